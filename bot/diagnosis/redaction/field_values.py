"""Finds the values of fields whose names say that they hold a credential: JSON, YAML, env, flags, logs, sentences.

Every pattern looks no further than a bound around where it starts, so that the time grows with the text only.
"""

from __future__ import annotations

import re

__all__ = ["REDACTED", "is_credential_field", "is_credential_flag", "is_no_credential", "without_field_values"]

REDACTED = "REDACTED"
"""What stands where a credential stood: a plain word, so that JSON, YAML, URLs and commands stay what they are."""

_MAX_VALUE = 16 * 1024
_MAX_WORD = 4 * 1024

# Names that only ever hold credentials, and names that may also be words of a sentence or names of an object.
_STRONG = (
    r"access[_.-]?key(?:[_.-]?(?:id|secret))?|access[_.-]?(?:id|secret)|secret[_.-]?(?:access[_.-]?)?key"
    r"|access[_.-]?token|security[_.-]?token|session[_.-]?token|bearer[_.-]?token|(?:id|refresh|identity)[_.-]?token"
    r"|client[_.-]?secret|api[_.-]?key|private[_.-]?key|password|passwd|passphrase|pwd"
    r"|(?:client-key|client-certificate|certificate-authority)-data|authorization|set-cookie|密码|口令|密钥"
)
_WEAK = r"token|secret|credentials?|signature|cookie|auth"
_NAME = rf"(?:(?P<strong>{_STRONG})|(?P<weak>{_WEAK}))(?:[_.-]?(?:value|hash|\d{{1,2}}))?"
_ANY_QUOTE = r"(?:\\{0,8}[\"'`]|[“”‘’]|&quot;|&\#3[49];|%2[27])"
_FIELD = re.compile(
    rf"""{_NAME}(?P<quote>{_ANY_QUOTE})?
    (?:(?P<sep>[ \t]{{0,20}}(?:=>|:=|[=:：]|%3[AD])[ \t]{{0,40}})
      |(?P<item>,?(?:\s|\\+[nr]){{0,40}}{_ANY_QUOTE}?value{_ANY_QUOTE}?:[ ]{{0,8}})
      |(?P<space>[ \t]{{1,20}}(?:(?:is|was)[ ])?))""",
    re.IGNORECASE | re.VERBOSE,
)
_FIELD_NAME = re.compile(rf"{_NAME}\Z", re.IGNORECASE)
_NAMES_AN_OBJECT = re.compile(r"(?:pull|existing|tls)[_-]?secret\Z", re.IGNORECASE)

# What may stand before a field's name: at the start of a line, in a flag, in a query, inside what Go prints.
_LINE_START = re.compile(r"(?:\A|\n|\r|\\[nr])[\s>|*+-]*(?:export\s+|set\s+)?[\\\"'`]*[\w./-]*\Z")
_FLAG = re.compile(r"(?:\A|[\s\"'`=\[,(])--?[\w.-]*\Z")
_QUERY = re.compile(r"[?&][\w.-]*\Z")
_IMAGE = re.compile(r"[\w-]/(?:[\w.-]+[_.-])?\Z")
_GO_STRUCT = re.compile(r"\{[^{}]*\Z")
_LOOK_BACK = 120

_QUOTE = re.compile(_ANY_QUOTE.replace(r"\#", "#"), re.IGNORECASE)
_CLOSING = {"“": "”", "‘": "’"}
_YAML_PROPERTIES = re.compile(r"(?:[&!][\w/.-]{0,80} +){1,2}")
_BLOCK = re.compile(r"[|>][+-]?\d?[ \t]*(?P<newline>\r?\n|\\n)")
_LINE_END = re.compile(r"[\n\r]|\\+[nr]|\Z")
_COMMENT = re.compile(r"(?<=\s)#.*\Z")
_MORE_BASE64 = re.compile(
    r"(?:(?:\r?\n|\\n)[ \t>]{0,40}[A-Za-z0-9+/]{40,}={0,2}(?=\s|\\n|[\"']|\Z))*"
    r"(?:(?:\r?\n|\\n)[ \t>]{0,40}(?:[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9+/]{2,}={1,2})(?=\s|\\n|[\"']|\Z))?"
)
_GO_LIST = re.compile(r"\[[^\[\]{}\n]{1,4096}(?:\]|\Z)")
_ESCAPE = r"\\(?!\\*[nrt\"'`])"
_WORD = re.compile(rf"(?:[^\s\"'`\\]+|{_ESCAPE})+")
_WORD_IN_QUERY = re.compile(rf"(?:[^\s\"'`\\&#<>;]+|{_ESCAPE})+")
_WORD_IN_TEXT = re.compile(rf"(?:[^\s\"'`\\,;<>)}}\]]+|{_ESCAPE})+")
_GO_FIELD = re.compile(r"[A-Z][A-Za-z]{2,40}:")
_ANY_FIELD = re.compile(r"[\w.-]{1,60}[:=]")

_NO_VALUE = re.compile(
    r"(?:true|false|null|none|nil|<nil>|~|-|\*{3,}|REDACTED|<redacted>|\[redacted\]"
    r"|\$\{\w+\}|\$\(\w+\)|\{\{.*|<set to the key .*|<(?:your|my|the)\b.*|[|>][+-]?)\Z",
    re.IGNORECASE | re.DOTALL,
)
_PATH = re.compile(r"/(?:var|etc|run|root|home|usr|opt|mnt|tmp|data)(?:/[\w.-]+)+/?\Z")
_NUMBER = re.compile(r"-?\d[\d.eE+-]*\Z")
_RANDOM = re.compile(r"\d|[a-z][A-Z]|[A-Z].*[a-z].*[A-Z]")

_Span = tuple[int, int, str]
"""Where a value starts and ends, and what takes its place."""


def without_field_values(text: str) -> str:
    """Return ``text`` with REDACTED for the values of fields that hold credentials."""
    parts: list[str] = []
    at = 0
    for match in _FIELD.finditer(text):
        if match.start() < at:
            continue
        span = _Field(text, match).span()
        if span is not None:
            start, end, replacement = span
            parts += (text[at:start], replacement)
            at = end
    return "".join((*parts, text[at:])) if parts else text


def is_credential_field(name: str, value: str) -> bool:
    """Whether a field of that name and value holds a credential."""
    match = _FIELD_NAME.search(name)
    if match is None or _NAMES_AN_OBJECT.search(name):
        return False
    return not is_no_credential(value, strong=match["strong"] is not None)


def is_credential_flag(argument: str) -> bool:
    """Whether the argument is a flag whose value, the next argument, is a credential."""
    return argument.startswith("-") and bool(_FIELD_NAME.search(argument))


def is_no_credential(value: str, *, strong: bool) -> bool:
    """Whether a value is none in spite of its field's name: a boolean, a path, a reference, nothing."""
    value = value.strip()
    return not value or bool(_NO_VALUE.match(value) or _PATH.match(value)) or (not strong and len(value) < 3)


class _Field:
    """One place where a field's name stands, with what surrounds it."""

    def __init__(self, text: str, match: re.Match[str]) -> None:
        self._text, self._match = text, match
        self._start = match.end()
        self._strong = match["strong"] is not None
        self._before = text[max(0, match.start() - _LOOK_BACK) : match.start()]

    def span(self) -> _Span | None:
        """Return where the value lies and what takes its place; None where there is no credential."""
        match = self._match
        if self._names_an_object():
            return None
        if match["space"] is not None:
            return self._after_space()
        if opening := _QUOTE.match(self._text, self._start):
            return self._quoted(opening, strong=self._strong)
        if not match["quote"] and (printed := _GO_LIST.match(self._text, self._start)):
            return self._start + 1, printed.end() - printed[0].endswith("]"), REDACTED
        if self._text.startswith(("{", "["), self._start):
            return None
        return self._unquoted()

    def _names_an_object(self) -> bool:
        """Whether the field names a Secret, or the word is the end of an image's name before its tag."""
        if self._match["sep"] == ":" and _IMAGE.search(self._before):
            return True
        name = self._match["weak"]
        return bool(name) and bool(_NAMES_AN_OBJECT.search(self._before[-20:] + name))

    def _unquoted(self) -> _Span | None:
        is_yaml = not (self._match["sep"] or ":").strip().startswith("=") and bool(_LINE_START.search(self._before))
        if is_yaml and (block := _BLOCK.match(self._text, self._start)):
            return self._block(block)
        return (self._line() if is_yaml and not self._match["quote"] else None) or self._word()

    def _line(self) -> _Span | None:
        """Return the rest of the line after ``key:``."""
        if properties := _YAML_PROPERTIES.match(self._text, self._start):
            self._start = properties.end()
        line = self._text[self._start : min(self._line_end(), self._start + _MAX_VALUE)]
        line = _COMMENT.sub("", line).rstrip() if len(line) < _MAX_WORD else line.rstrip()
        if not line or (" " in line and not self._strong) or _ANY_FIELD.match(line):
            return None
        if is_no_credential(line, strong=self._strong):
            return None
        end = self._start + len(line)
        if len(line) >= 40 and " " not in line and (more := _MORE_BASE64.match(self._text, end)):
            end = more.end()
        return self._start, end, REDACTED

    def _word(self) -> _Span | None:
        text, separator = self._text, self._match["sep"] or ""
        if (following := _FIELD.match(text, self._start)) and not following["space"]:
            return None  # Go prints an empty field as nothing: here is the next field
        if separator.endswith(" ") and _GO_FIELD.match(text, self._start) and _GO_STRUCT.search(self._before):
            return None
        if _QUERY.search(self._before):
            pattern = _WORD_IN_QUERY
        else:
            pattern = _WORD if "=" in separator and separator == separator.strip() else _WORD_IN_TEXT
        word = pattern.match(text, self._start, self._start + _MAX_WORD)
        if word is None:
            return None
        if word[0].lower() in ("bearer", "basic", "token", "negotiate", "acs"):
            word = _WORD.match(text, word.end() + 1, word.end() + _MAX_WORD) or word
        in_sentence = separator.endswith((" ", "\t")) and not self._match["quote"]
        if is_no_credential(word[0], strong=self._strong) or word[0].endswith(":"):
            return None
        if in_sentence and not self._strong and not _looks_random(word[0]):
            return None
        quote = (self._match["quote"] or "") if _NUMBER.match(word[0]) else ""
        return word.start(), word.end(), f"{quote}{REDACTED}{quote}"

    def _after_space(self) -> _Span | None:
        """Return the value of ``--flag value``, and what follows a name that leaves no doubt."""
        text = self._text
        word = _WORD.match(text, self._start, self._start + _MAX_WORD)
        if not self._match["quote"] and _FLAG.search(self._before):
            if opening := _QUOTE.match(text, self._start):
                return self._quoted(opening, strong=True)
            if word and not word[0].startswith("-") and not is_no_credential(word[0], strong=False):
                return word.start(), word.end(), REDACTED
        elif word and self._strong and len(word[0]) >= 12 and _looks_random(word[0]):
            plain = _WORD_IN_TEXT.match(text, self._start, self._start + _MAX_WORD) or word
            return plain.start(), plain.end(), REDACTED
        return None

    def _quoted(self, opening: re.Match[str], *, strong: bool) -> _Span | None:
        text, start = self._text, opening.end()
        quote = _CLOSING.get(opening[0], opening[0])
        limit = min(len(text), start + _MAX_VALUE)
        end = text.find(quote, start, limit)
        while end >= 0 and not _closes(text, start, end, quote):
            end = text.find(quote, end + 1, limit)
        if end < 0:  # cut off: what is left of the line, or of the text where a line's end is escaped
            end = min(self._line_end(), limit) if len(quote) == 1 else limit
        return None if is_no_credential(text[start:end], strong=strong) else (start, end, REDACTED)

    def _block(self, block: re.Match[str]) -> _Span | None:
        """Return the indented lines after ``key: |``."""
        text, newline = self._text, block["newline"]
        line = re.split(r"[\n\r]|\\n", self._before)[-1]
        indent = len(line) - len(line.lstrip(" >-"))
        start = end = block.start("newline")
        while text.startswith(newline, end):
            following = text.find(newline, end + len(newline))
            following = len(text) if following < 0 else following
            content = text[end + len(newline) : following]
            if content.strip() and len(content) - len(content.lstrip(" >")) <= indent:
                break
            end = following
        replacement = f"{newline}{' ' * (indent + 2)}{REDACTED}"
        return (start, end, replacement) if text[start:end].strip(" >\\nr\r\n") else None

    def _line_end(self) -> int:
        end = _LINE_END.search(self._text, self._start)
        return end.start() if end else len(self._text)


def _closes(text: str, start: int, end: int, quote: str) -> bool:
    """Whether the quote at ``end`` is not an escaped one within the value."""
    escapes = 0
    while end - escapes > start and text[end - escapes - 1] == "\\":
        escapes += 1
    return escapes == 0 if len(quote) > 1 else escapes % 2 == 0


def _looks_random(word: str) -> bool:
    """Whether a word after ``token:`` in a sentence is a credential rather than the sentence's next word."""
    word = word.strip(".,;:!?()[]{}")
    return len(word) >= 8 and (len(word) >= 24 or bool(_RANDOM.search(word)))
