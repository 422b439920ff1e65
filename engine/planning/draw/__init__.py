"""What passes draw: recipes of assets, tables of rows, draw lists, and the rows of a plan that follow."""
