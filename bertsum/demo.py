"""A page in the browser: paste a text, see its summary and why.

launch("runs/cnndm/best")
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.answers import (
    DEFAULT,
    LANGUAGES,
    LIMITS,
    NO_OTHER,
    Answer,
    Demo,
    Settings,
    check_length,
    opening_text,
    problem_html,
)
from bertsum.errors import BertsumError
from bertsum.files import SAMPLE_FOLDER, decode_text

if TYPE_CHECKING:
    import gradio


_FILE_LIMIT = 64 * 2**20  # the page does not explain this refusal; it does explain that a text is too long
_SECONDS_KEPT = 3600  # for uploads and downloads of visitors
_FIRST_PORT, _LAST_PORT = 7860, 7959
_STYLE = """
.gradio-container { max-width: 80rem !important; margin-inline: auto; }
#head h1 { font-size: 1.6rem; margin: 0; }
#text textarea, #summary textarea { unicode-bidi: plaintext; line-height: 1.5; }
#summary textarea { font-size: 1.05rem; }
.max_value, .min_value { color: inherit !important; }
#document, #beside { line-height: 1.6; }
.problem { border-left: .3em solid #dc2626; padding: .4em .8em; overflow-wrap: anywhere; }
.beside { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.beside h2 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
@media print { .gradio-container button, #options, footer { display: none !important; } }
"""


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
                theme=_theme(gradio),
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


def _theme(gr: Any) -> Any:
    """Gradio's theme, with the system's fonts, and a button that is readable in light and dark mode."""
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    button = {f"button_primary_background_fill{end}": "#9a3412" for end in ("", "_dark")}
    hovered = {f"button_primary_background_fill_hover{end}": "#7c2d12" for end in ("", "_dark")}
    return theme.set(**button, **hovered, button_primary_text_color="#ffffff", button_primary_text_color_dark="#ffffff")


def page(demo: Demo) -> gradio.Blocks:
    """The page, to be launched or mounted."""
    gr = _import_gradio()
    answers = demo.summarizer(demo.models[0]).answers
    with gr.Blocks(title="bertsum", delete_cache=(_SECONDS_KEPT // 6, _SECONDS_KEPT)) as blocks:
        gr.Markdown("# bertsum\nThe summary of a text, and what it comes from.", elem_id="head")
        with gr.Row():
            with gr.Column():
                text = gr.Textbox(label="Text", placeholder="Paste a text", lines=12, max_lines=12, elem_id="text")
                upload = gr.UploadButton("Upload a .txt file", file_types=[".txt"], size="sm", elem_id="upload")
                names, examples = _examples()
                gr.Examples([[example] for example in examples], [text], example_labels=names, preload=False)
                query = gr.Textbox(
                    label="Question", placeholder="Empty for a summary", elem_id="query", visible=answers
                )
                limits, (model, *others, other) = _length_options(gr), _other_options(gr, demo.models)
                button = gr.Button("Summarize", variant="primary", elem_id="go")
            with gr.Column():
                shown = _answer_parts(gr)
        beside = gr.HTML(container=True, padding=True, visible=False, elem_id="beside")
        does = _Actions(gr, demo, Settings(demo.models, answers))
        asked, answered = [text, model, *limits, *others, query, other], [*shown, beside]
        quiet = {"api_visibility": "private", "show_progress": "hidden"}

        button.click(does.summarize, asked, answered, api_name="summarize", show_progress_on=shown[1])
        for slider in limits[1:3]:
            slider.input(does.again, asked, answered, trigger_mode="always_last", **quiet)
        other.input(does.again, asked, answered, api_visibility="private", show_progress_on=beside)
        picked, explanation = shown[-2:]
        picked.input(does.explain, [picked, *asked[:-1]], explanation, api_name="explain", show_progress_on=picked)
        upload.upload(does.read, upload, [text, *answered], api_visibility="private", show_progress_on=text)

        def begin(request: gradio.Request) -> list[Any]:
            return does.begin(dict(request.query_params))

        begin.__annotations__["request"] = gr.Request  # Gradio looks at the type, not at its name
        blocks.load(begin, None, [*asked, *answered], **quiet)
    return blocks


class _Actions:
    """The actions of the page's parts; each returns new values for the parts that show an answer."""

    def __init__(self, gr: Any, demo: Demo, settings: Settings) -> None:
        self._gr = gr
        self._demo = demo
        self._settings = settings

    def summarize(self, text: str, *options: Any) -> list[Any]:
        *chosen, other = options
        answer = self._demo.answer(text, *chosen)
        return self._show(answer, self._demo.beside(answer, other, text, *chosen), self._settings.link(options))

    def again(self, text: str, *options: Any) -> list[Any]:
        """Summarises again after a change of the length; shows no error if there is no text."""
        return self.summarize(text, *options) if (text or "").strip() else self._show(Answer())

    def begin(self, parameters: Mapping[str, str]) -> list[Any]:
        """An article, summarised with the settings of the address."""
        options = self._settings.read(parameters)
        try:
            text = opening_text(self._demo.summarizer(options[0]).model.config.language)
        except BertsumError as error:  # a run that is no longer there
            return ["", *options, *self._show(Answer(problem=str(error)))]
        return [text, *options, *self.again(text, *options)]

    def explain(self, sentence: int | None, *options: Any) -> Any:
        html = "" if sentence is None else self._demo.explain(sentence, *options)
        return self._gr.HTML(html, visible=bool(html))

    def read(self, path: str) -> list[Any]:
        """An uploaded file."""
        try:
            content = decode_text(Path(path).read_bytes(), Path(path).name)
            check_length(content)
            return [content, *self._show(Answer())]
        except BertsumError as error:
            return ["", *self._show(Answer(problem=str(error)))]

    def _show(self, answer: Answer, compared: str = "", link: str = "") -> list[Any]:
        gr, files = self._gr, answer.files or (None, None)
        facts = f"{answer.facts} [Link with these settings]({link})" if answer.facts and link else answer.facts
        return [
            gr.HTML(problem_html(answer.problem), visible=bool(answer.problem)),
            answer.summary,
            gr.Markdown(facts, visible=bool(facts)),
            *(gr.DownloadButton(value=file, visible=file is not None) for file in files),
            gr.Markdown(answer.why, visible=bool(answer.why)),
            gr.HTML(answer.document, visible=bool(answer.document)),
            gr.Radio(answer.sentences, value=None, visible=bool(answer.sentences)),
            gr.HTML(visible=False),
            gr.HTML(compared, visible=bool(compared)),
        ]


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
    """Model, language, blocking, order, and another model to compare with."""
    with gr.Accordion("More", open=False, elem_id="options"):
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
            gr.Dropdown([NO_OTHER, *models], value=NO_OTHER, label="Compare with", elem_id="other"),
        ]


def _answer_parts(gr: Any) -> list[Any]:
    """The parts that show an :class:`Answer`: problem, summary, facts, both files, the legend, the document, the
    sentences to explain, an explanation.
    """
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
    document = gr.HTML(container=True, padding=True, visible=False, elem_id="document")
    picked = gr.Radio(
        [], label="What carried a sentence of the summary? Click one; it takes some seconds.", visible=False,
        elem_id="explained",
    )  # fmt: skip
    explanation = gr.HTML(container=True, padding=True, visible=False, elem_id="explanation")
    return [problem, summary, facts, as_text, as_json, why, document, picked, explanation]


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


def _examples() -> tuple[list[str], list[str]]:
    """First words and text of some invented articles from the bundled sample."""
    lines = (SAMPLE_FOLDER / "english.validation.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["document"] for line in lines[:3]]
    return [" ".join(text.split()[:7]) + " …" for text in texts], texts
