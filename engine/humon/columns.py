"""The nodes of one text as parallel columns, one row per key, value, list, dict or metatag."""

from array import array

Content = str | dict[str, int] | list[int]


class Columns:
    """Rows in the order of the text; row 0 is the root.

    The content of a row is the rows of its children (a dict by key, or a list), or the lexeme of a value as
    written. A list of bare words only keeps its text, from `[` to `]`, until its children are read: most
    lists of a scene are short vectors that are converted as a whole.
    """

    __slots__ = ("contents", "keys", "metatags", "repeated", "starts")

    def __init__(self) -> None:
        self.starts = array("I")
        """Offset of each row in the text: of its key or `@`, if it has one."""
        self.keys: list[str | None] = []
        self.contents: list[Content] = []
        self.metatags: dict[int, tuple[int, ...]] = {}
        """Rows of the metatags of a row."""
        self.repeated: dict[int, list[int]] = {}
        """By the row of a dict, rows whose key it has already: they are no children of it."""

    def __len__(self) -> int:
        return len(self.starts)

    def add(self, start: int, key: str | None, content: Content) -> int:
        """Append a row and return its number."""
        self.starts.append(start)
        self.keys.append(key)
        self.contents.append(content)
        return len(self.starts) - 1

    def add_metatag(self, owner: int, start: int, key: str, lexeme: str) -> None:
        """Append a row for a metatag of the row `owner`."""
        self.metatags[owner] = (*self.metatags.get(owner, ()), self.add(start, key, lexeme))

    def metatag(self, owner: int, key: str) -> int | None:
        """Return the row of the metatag `key` of `owner`, if it has one."""
        for row in self.metatags.get(owner, ()):
            if self.keys[row] == key:
                return row
        return None
