"""Reads the spoken text of subtitles (.srt, .vtt). A sentence may go on over several captions."""

from __future__ import annotations

import html
import re

from bertsum.reading.text import FileText, TextBuilder

_TIMES = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}|<\d[\d:.]*>")
_SOUND = re.compile(r"\s*(?:-\s*)?(?:\([^()]*\)|\[[^\[\]]*\]|[♪♫#*][^♪♫]*[♪♫#*]?)[\s♪♫]*$")
_IN_BRACKETS = r"\[[^\[\]:]*[^\W\d_]{3}[^\[\]:]*\]"
_BEFORE_SPEECH = re.compile(rf"(?:- ?)?(?:{_IN_BRACKETS}|\([^\W\d_][^()\d:]{{1,40}}\))(?=\s|$)")
_BEHIND_SPEECH = re.compile(rf"(?<=[.!?…,] ){_IN_BRACKETS}(?=\s|$)")
_CREDIT = re.compile(  # "Subtitles by Ann Ott", "Untertitel: NDR"
    r"\W*(?:(?:english|german|french|closed|open) )?"
    r"(?:(?:subtitles?|subtitling|captions?|captioning|untertitel(?:ung)?|sous-titr(?:es|age)|subtítulos|legendas"
    r"|sottotitoli|ondertiteling|undertexter|napisy|субтитры)(?:\s?:|\s(?:by|von|par|por|di|door"
    r"|av)\s(?:the )?(?-i:[A-Z]))"
    r"|(?:transcribed|translated|synced|captioned|subtitled)(?: (?:and|&) \w+)? by (?:the )?(?-i:[A-Z]))",
    re.IGNORECASE,
)
_MUSIC = re.compile(r"[♪♫]")
_ENDED = re.compile(r"[.!?…。！？][\"'”’»)]*\s*$")
_TURN = re.compile(r"\s*[-–—]\s*\S")
_SPEAKER_CHANGES = re.compile(r"\s*>{2,}\s*")
_BLOCK = re.compile(r"(?:\r\n|\n|\r)(?:[^\S\n\r]*(?:\r\n|\n|\r))+")


def read_subtitles(text: str, name: str) -> FileText:
    """The spoken text of a subtitle file.

    Args:
        text: The file.
        name: Its name.
    """
    builder = TextBuilder()
    ended = True
    for block in _BLOCK.split(text.lstrip("\ufeff").strip()):
        lines = block.splitlines()
        times = next((number for number, line in enumerate(lines) if _TIMES.match(line)), None)
        if times is None:
            if lines and lines[0].strip().isdigit():
                lines = lines[1:]
            elif re.match(r"\s*(?:WEBVTT|NOTE|STYLE|REGION)\b", block):
                builder.skip(block, "note of the file")
                continue
        else:
            lines = lines[times + 1 :]
        for line in lines:
            spoken = " ".join(html.unescape(_TAG.sub("", line)).split())
            for number, said in enumerate(_SPEAKER_CHANGES.split(spoken)):
                ended = ended or number > 0
                if not said:
                    continue
                if _SOUND.match(said) or _MUSIC.search(said):
                    builder.skip(said, "sound")
                    continue
                if ended and _CREDIT.match(said) and not _ENDED.search(said):
                    builder.skip(said, "credit")
                    continue
                turn = _TURN.match(said) is not None
                while (ended or turn) and (sound := _BEFORE_SPEECH.match(said)):
                    builder.skip(sound[0], "sound")
                    said = said[sound.end() :].strip()
                for sound in _BEHIND_SPEECH.finditer(said):
                    builder.skip(sound[0], "sound")
                said = " ".join(_BEHIND_SPEECH.sub(" ", said).split())
                if not said:
                    continue
                builder.add(said, separator="\n\n" if ended or turn else " ")
                ended = _ENDED.search(said) is not None
    return builder.built(name)
