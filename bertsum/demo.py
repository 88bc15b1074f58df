"""A page in the browser: paste a text, see its summary and why.

launch("runs/cnndm/best")
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.data.sources import SAMPLE_FOLDER
from bertsum.errors import BertsumError
from bertsum.files import decode_text
from bertsum.pages.written import UNSUPPORTED
from bertsum.text import sanitize, split_words

if TYPE_CHECKING:
    import gradio

    from bertsum.inference.summarizer import Summarizer, Summary

# Characters, about 85,000 words: browsers struggle with the page of a longer text (1.4 million: a minute).
TEXT_LIMIT = 500_000
_FILE_LIMIT = 64 * 2**20  # the page does not explain this refusal; it does explain that a text is too long
BUNDLED = "bundled with bertsum"
DEFAULT = "model's default"
LIMITS = ("sentences", "% of sentences", "words", DEFAULT)
LANGUAGES = {
    "found by itself": "auto", "Arabic": "ar", "Chinese": "zh", "English": "en", "French": "fr", "German": "de",
    "Hindi": "hi", "Indonesian": "id", "Italian": "it", "Japanese": "ja", "Portuguese": "pt", "Russian": "ru",
    "Spanish": "es", "Turkish": "tr", "Vietnamese": "vi",
}  # fmt: skip
_CATCHING = threading.Lock()  # catching warnings affects all threads: two at once would mix them up, and not undo it
_DOCUMENT = "document 0: "  # the summarizer's name for the only document
_SECONDS_KEPT = 3600  # for uploads and downloads of visitors
_FIRST_PORT, _LAST_PORT = 7860, 7959
_STYLE = """
#text textarea, #summary textarea { unicode-bidi: plaintext; }
.problem { border-left: .3em solid #dc2626; padding: .4em .8em; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class Answer:
    """The values that the page shows.

    Attributes:
        problem: What is wrong with the text or an option; empty for a summary.
        summary: The summary's text.
        facts: How much of the document the summary is.
        why: How to read the document.
        document: The shaded document, or a written summary and what it leans on, as HTML.
        files: The summary as a text file and as a JSON file.
    """

    problem: str = ""
    summary: str = ""
    facts: str = ""
    why: str = ""
    document: str = ""
    files: tuple[Path, Path] | None = None


class Demo:
    """The functions of the page, without its looks.

    Attributes:
        models: Names of the models to choose from; visitors cannot load others.
        folder: Folder for the files that visitors can download.
    """

    def __init__(self, model: str | None, folder: str | Path) -> None:
        self.models = _models(model)
        self.folder = Path(folder)
        self.summarizer(self.models[0])  # so that an error in it shows at once

    def summarizer(self, name: str) -> Summarizer:
        """A model by its name.

        Raises:
            BertsumError: if the model is not in ``models``, or cannot be loaded.
        """
        if name not in self.models:
            raise BertsumError(f"model: got '{name}', expected one of {', '.join(self.models)}")
        if name == BUNDLED:
            return _load(None)
        # best/ is a link that a running training changes
        return _load(str(Path(name).resolve()) if Path(name).is_dir() else name)

    def answer(
        self,
        text: str,
        model: str,
        limit: str = DEFAULT,
        sentences: float | None = None,
        percent: float | None = None,
        words: float | None = None,
        language: str = DEFAULT,
        blocking: str = DEFAULT,
        order: str = DEFAULT,
    ) -> Answer:
        """Summarises a text.

        Args:
            text: The document.
            model: One of ``models``.
            limit: One of ``LIMITS``: which of the next three options applies.
            sentences: At most this many sentences.
            percent: At most this share of the sentences.
            words: At most this many words.
            language: ISO 639-1 code; here and below, ``DEFAULT`` is the model's setting.
            blocking: Trigram blocking, on or off.
            order: Order of the sentences, document or score.
        """
        try:
            from bertsum.inference.options import foreign_options  # imports torch

            if not (text or "").strip():
                raise BertsumError("There is no text yet: paste one, or upload a .txt file.")
            _check_length(text)
            wanted: dict[str, Any] = _limit(limit, sentences, percent, words)
            wanted["language"] = _unless_default(language)
            wanted["order"] = _unless_default(order)
            wanted["trigram_blocking"] = None if blocking == DEFAULT else blocking == "on"
            summarizer = self.summarizer(model)
            unused = foreign_options(wanted, summarizer.model.writes)
            wanted = {name: value for name, value in wanted.items() if name not in unused}
            with _CATCHING, warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                summary = summarizer(sanitize(text), **wanted)
        except BertsumError as error:
            return Answer(problem=str(error).removeprefix(_DOCUMENT))
        return Answer(
            summary=summary.text,
            facts=" ".join([_facts(summary), *_not_used(unused), *_unread(caught)]),
            why="" if summary.is_written else "The stronger a sentence's colour, the higher its score.",
            document=summary._repr_html_(),
            files=self._files(summary),
        )

    def _files(self, summary: Summary) -> tuple[Path, Path]:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        text, everything = folder / "summary.txt", folder / "summary.json"
        text.write_text(summary.text + "\n", encoding="utf-8")
        everything.write_text(json.dumps(asdict(summary), ensure_ascii=False, indent=2), encoding="utf-8")
        return text, everything


def launch(
    model: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    open_browser: bool = False,
) -> None:
    """Serves the page until Ctrl-C.

    Args:
        model: A checkpoint folder or a hub id to begin with; by default the model that comes with bertsum. Visitors can
            also choose models under runs/.
        host: Address to serve; 0.0.0.0 is the whole network.
        port: By default the first free one from 7860 on.
        share: Whether to make a public address too, through Gradio's servers.
        open_browser: Whether to open the page in a browser.

    Raises:
        BertsumError: if Gradio is not installed, the model cannot be loaded, or the address cannot be served.
    """
    with tempfile.TemporaryDirectory(prefix="bertsum-demo-") as folder, _environment(folder):
        gradio = _import_gradio()
        demo = page(Demo(model, folder))
        try:
            _, local, public = demo.launch(
                server_name=host,
                server_port=port,
                share=share,
                inbrowser=open_browser,
                prevent_thread_lock=True,
                quiet=True,
                ssr_mode=False,  # needs Node
                footer_links=[],
                run_history=False,  # would keep texts in the browser
                max_file_size=_FILE_LIMIT,
                theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
                css=_STYLE,
            )
        except (OSError, OverflowError) as error:
            ports = f"port {port}" if port is not None else f"ports {_FIRST_PORT} to {_LAST_PORT}"
            raise BertsumError(
                f"host {host}, {ports}: cannot be served; expected an address of this machine and a free port"
            ) from error
        try:
            print(f"The demo is at {public or local} until Ctrl-C", flush=True)
            threading.Event().wait()
        finally:
            demo.close(verbose=False)


def page(demo: Demo) -> gradio.Blocks:
    """The page, to be launched or mounted."""
    gr = _import_gradio()
    with gr.Blocks(title="bertsum", delete_cache=(_SECONDS_KEPT // 6, _SECONDS_KEPT)) as blocks:
        gr.Markdown("# bertsum\nThe summary of a text, and what it comes from.")
        with gr.Row():
            with gr.Column():
                text = gr.Textbox(label="Text", placeholder="Paste a text", lines=14, max_lines=14, elem_id="text")
                upload = gr.UploadButton("Upload a .txt file", file_types=[".txt"], size="sm", elem_id="upload")
                names, examples = _examples()
                gr.Examples([[example] for example in examples], [text], example_labels=names, preload=False)
                limits, (model, *others) = _length_options(gr), _other_options(gr, demo.models)
                button = gr.Button("Summarize", variant="primary", elem_id="go")
            with gr.Column():
                shown = _answer_parts(gr)
        summary = shown[1]

        def show(answer: Answer) -> list[Any]:
            files = answer.files or (None, None)
            return [
                gr.HTML(f'<p role="alert" class="problem">{escape(answer.problem)}</p>', visible=bool(answer.problem)),
                answer.summary,
                gr.Markdown(answer.facts, visible=bool(answer.facts)),
                *(gr.DownloadButton(value=file, visible=file is not None) for file in files),
                gr.Markdown(answer.why, visible=bool(answer.why)),
                gr.HTML(answer.document, visible=bool(answer.document)),
            ]

        def summarize(*options: Any) -> list[Any]:
            return show(demo.answer(*options))

        def read(path: str) -> list[Any]:
            try:
                content = decode_text(Path(path).read_bytes(), Path(path).name)
                _check_length(content)
                return [content, *show(Answer())]
            except BertsumError as error:
                return ["", *show(Answer(problem=str(error)))]

        button.click(summarize, [text, model, *limits, *others], shown, api_name="summarize", show_progress_on=summary)
        upload.upload(read, upload, [text, *shown], api_visibility="private", show_progress_on=text)
    return blocks


def _length_options(gr: Any) -> list[Any]:
    """The choice of the unit of length, and a field for each unit; only the chosen unit's field is visible."""
    limit = gr.Radio(list(LIMITS), value="sentences", label="Length", elem_id="limit")
    fields = [
        gr.Slider(1, 30, value=3, step=1, label="At most", elem_id="sentences"),
        gr.Slider(1, 100, value=20, step=1, label="At most", visible=False, elem_id="percent"),
        gr.Number(100, label="At most", precision=0, minimum=1, visible=False, elem_id="words"),
    ]
    limit.change(
        lambda chosen: [gr.update(visible=chosen == name) for name in LIMITS[:3]],
        limit,
        fields,
        api_visibility="private",
        show_progress="hidden",
    )
    return [limit, *fields]


def _other_options(gr: Any, models: Sequence[str]) -> list[Any]:
    """Model, language, blocking and order."""
    with gr.Accordion("More", open=False):
        return [
            gr.Dropdown(models, value=models[0], label="Model", elem_id="model"),
            gr.Dropdown([DEFAULT, *LANGUAGES.items()], value=DEFAULT, label="Language of the text"),
            gr.Radio(
                [DEFAULT, "on", "off"],
                value=DEFAULT,
                label="Trigram blocking",
                info="Skips a sentence that shares three words in a row with one already chosen",
            ),
            gr.Radio([DEFAULT, "document", "score"], value=DEFAULT, label="Order of the sentences"),
        ]


def _answer_parts(gr: Any) -> list[Any]:
    """The parts that show an :class:`Answer`: problem, summary, facts, both files, the legend, the document."""
    problem = gr.HTML(visible=False, elem_id="problem")
    summary = gr.Textbox(
        label="Summary", placeholder="The summary appears here", lines=4, max_lines=20, interactive=False,
        buttons=["copy"], elem_id="summary",
    )  # fmt: skip
    facts = gr.Markdown(visible=False, elem_id="facts")
    with gr.Row():
        as_text = gr.DownloadButton("Download as text", visible=False, size="sm", elem_id="as-text")
        as_json = gr.DownloadButton("Download as JSON", visible=False, size="sm", elem_id="as-json")
    why = gr.Markdown(visible=False)
    document = gr.HTML(container=True, padding=True, max_height=600, visible=False, elem_id="document")
    return [problem, summary, facts, as_text, as_json, why, document]


@contextmanager
def _environment(folder: str) -> Iterator[None]:
    """Sets variables that Gradio reads when imported and when it makes a page; uploads also go to ``folder``.

    Only these variables are restored, because other threads may change others meanwhile.
    """
    wanted = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}
    # Gradio sets the last one itself if analytics are off.
    before = {name: os.environ.get(name) for name in (*wanted, "HF_HUB_DISABLE_TELEMETRY")}
    os.environ |= wanted
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _import_gradio() -> Any:
    try:
        import gradio
    except ImportError as error:
        raise BertsumError("the demo needs Gradio: pip install 'bertsum[demo]'") from error
    return gradio


def _models(given: str | None) -> list[str]:
    """The model to begin with, then models trained here, newest first, and the bundled model."""
    there = (best for best in Path("runs").glob("*/best") if best.is_dir())
    runs = sorted(there, key=lambda best: best.stat().st_mtime, reverse=True)
    return list(dict.fromkeys([given or BUNDLED, *map(str, runs), BUNDLED]))


@lru_cache(maxsize=2)
def _load(path: str | None) -> Summarizer:
    from bertsum.inference.summarizer import Summarizer

    return Summarizer.from_pretrained(path)


def _check_length(text: str) -> None:
    if len(text) > TEXT_LIMIT:
        raise BertsumError(
            f"The text has {len(text):,} characters, expected at most {TEXT_LIMIT:,}; "
            "the command 'bertsum summarize' takes any length."
        )


def _limit(limit: str, sentences: float | None, percent: float | None, words: float | None) -> dict[str, Any]:
    """The summarizer's option for a limit."""
    if limit not in LIMITS:
        raise BertsumError(f"length: got '{limit}', expected {', '.join(LIMITS)}")
    if limit == DEFAULT:
        return {}
    name, value = {
        "sentences": ("sentences", sentences),
        "% of sentences": ("ratio", percent and percent / 100),
        "words": ("max_words", words),
    }[limit]
    if value is None:
        raise BertsumError(f"length: got no number of {limit}, expected one")
    return {name: value if name == "ratio" else int(value)}


def _unless_default(value: str) -> str | None:
    return None if value == DEFAULT else value


def _facts(summary: Summary) -> str:
    words, chosen = (sum(len(split_words(s)) for s in part) for part in (summary.document, summary.sentences))
    if not summary.is_written:
        return f"{len(summary.indices)} of {len(summary.document):,} sentences, {chosen:,} of {words:,} words."
    lacking = f" The text does not have the words marked {UNSUPPORTED}." if summary.unsupported else ""
    return f"{chosen:,} words, written from {words:,} words.{lacking}"


def _not_used(options: Sequence[str]) -> list[str]:
    """What a model that writes does not heed."""
    names = {"order" if name == "order" else "length" for name in options}
    return [f"Not used, since this model writes: {', '.join(sorted(names))}."] if names else []


def _unread(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """The summarizer's warnings about parts of the text that it did not read."""
    said = [str(warning.message) for warning in caught]
    return [f"**{message.removeprefix(_DOCUMENT)}.**" for message in said if message.startswith(_DOCUMENT)]


def _examples() -> tuple[list[str], list[str]]:
    """First words and text of some articles from the bundled sample; the articles are invented."""
    lines = (SAMPLE_FOLDER / "english.validation.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["document"] for line in lines[:3]]
    return [" ".join(text.split()[:7]) + " …" for text in texts], texts
