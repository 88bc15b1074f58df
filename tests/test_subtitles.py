"""Subtitles: what is spoken is read, what is heard is not."""

from __future__ import annotations

import bertsum


def test_sounds_of_subtitles_are_left_out(tmp_path) -> None:
    lines = [
        "[music] The bridge was closed",
        "because of the storm. [laughter]",
        "[sighs] [coughs]",
        "- (rires étouffés) It cost [5] crowns",
        "(in 1903) and [the king] paid.",
    ]
    (tmp_path / "a.vtt").write_text(
        "WEBVTT\n\n" + "\n\n".join(f"00:0{n}.000 --> 00:0{n + 1}.000\n{line}" for n, line in enumerate(lines))
    )
    read = bertsum.read_document(tmp_path / "a.vtt")
    assert (
        read.text == "The bridge was closed because of the storm.\n\nIt cost [5] crowns (in 1903) and [the king] paid."
    )
    assert [skipped["text"] for skipped in read.skipped if skipped["why"] == "sound"] == [
        "[music]",
        "[laughter]",
        "[sighs]",
        "[coughs]",
        "- (rires étouffés)",
    ]


def test_credits_of_subtitles_are_left_out(tmp_path) -> None:
    spoken = ["Le phare va fermer.", "Translated: it means a lamp.", "He translated it all by himself."]
    lines = ["Sous-titrage : Antenne Régions", "Captioned by the Open Archive", *spoken, "Subtitles by Ann Ott"]
    (tmp_path / "a.srt").write_text(
        "\n\n".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}" for n, line in enumerate(lines)), encoding="utf-8"
    )
    read = bertsum.read_document(tmp_path / "a.srt")
    assert read.text == "\n\n".join(spoken)
    assert [skipped["text"] for skipped in read.skipped if skipped["why"] == "credit"] == [
        *lines[:2],
        lines[-1],
    ]
