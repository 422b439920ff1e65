"""What frames will draw with, learnt before one does: changed assets, many new ones, tables made again."""
