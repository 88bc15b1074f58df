"""Pages of HTML: their article, as a reader would copy it."""

from __future__ import annotations

from unicodedata import normalize

import pytest

import bertsum
from bertsum.reading.markup import read_html

pytest.importorskip("trafilatura", exc_type=ImportError)


def test_a_page_without_a_main_part_keeps_its_lists() -> None:
    prose = "<p>Nothing leaves the room, so none is late. Copies are made at night and can be fetched at nine: {}.</p>"
    listed = (
        "<ul><li>Pencils are allowed, because ink has ruined more letters than fire.</li><li>Bags stay out.</li></ul>"
    )
    above, below = prose.format("books") + prose.format("maps"), prose.format("films") + prose.format("letters")
    rest = f"<h1>Rules</h1>{above}{listed}{below}<div id='footer'>© 2021</div>"
    nav = "<nav><a href='a'>Home</a></nav>"
    for page in (f"<html><head><title>T</title></head><body>{nav}{rest}</body></html>", f"<body>{nav}{rest}", rest):
        read = read_html(page.encode(), "page.html")
        assert "Pencils are allowed" in read.text and "Rules" in read.text
        assert "Home" not in read.text and "2021" not in read.text


def test_line_breaks_quotations_and_tables_for_layout(tmp_path) -> None:
    pulled = "The crane has to be repaired before anything can be lifted."
    page = (
        "<html><body><article><h1>News</h1><p>The harbour is closed on Monday. " + pulled + " Boats wait outside.</p>"
        "<blockquote>" + pulled + "</blockquote><p>The fence is painted<br>The gate is next.</p><table><tr><td>"
        "<b>Two shops</b> opened in the valley last week.</td></tr><tr><td><p>Dear Mr Holm,</p><p>More than 400 people"
        " came to the opening on Saturday, and bread was sold.</p></td></tr></table></article></body></html>"
    )
    (tmp_path / "page.html").write_text(page)
    read = bertsum.read_document(tmp_path / "page.html").text
    assert read.count(pulled) == 1
    assert "The fence is painted\nThe gate is next." in read
    assert "Two shops opened in the valley last week." in read
    assert "Dear Mr Holm,\n\nMore than" in read
    (tmp_path / "short.html").write_text("<p>First they painted the fence<br>and then the gate.</p>")
    assert bertsum.read_document(tmp_path / "short.html").text == "First they painted the fence\nand then the gate."


def test_blocks_inside_a_block_stay_apart() -> None:
    """Trafilatura joins a post with the name above it and the signature below it."""
    said = [
        "The roof of my shed leaks where the pipe comes out. I have tried two kinds of tar, and neither held for longer"
        " than a winter. What am I missing?",
        "Take the collar off and look at the wood below it. If it is soft, no tar will help you, because it moves with"
        " every change of the weather. Cut out what is soft and put new wood in its place.",
    ]
    user = "<div class='user'>{}<br>Joined: May 2011</div>"
    page = (
        f"<html><body><div>{user.format('otter')}<div><p>{said[0]}</p></div><div class='post-sig'>Dry feet.</div></div>"
        f"<div>{user.format('Finch')}<div><p>{said[1]}</p></div><div class='sig'>Warm heart.</div></div></body>"
    )
    read = read_html(page.encode(), "page.html")
    assert [text for text in read.text.split("\n\n") if len(text) > 60] == said
    marked = {read.text[mark.start : mark.end].strip(): mark.why for mark in read.marks}
    assert marked == {"Dry feet.": "signature", "Warm heart.": "signature"}


def test_a_signature_is_short_and_ends_where_the_page_leaves_out_its_end() -> None:
    story = "The dam was closed in May because its wall had moved by a hand's breadth since the spring before. " * 4
    for page in (
        f"<body class='page signature'><div class='signature'><p>{story}</p></div></body>",
        f"<div><p class='sig'>Dry feet.<p>{story}</div>",
        f"<div><param class='sig'><p>{story}</p></div>",
        f"<div><p class='signature-dish'>Eel is served.</p><p>{story}</p></div>",
    ):
        read = read_html(f"<html>{page}</html>".encode(), "page.html")
        assert "closed in May" in read.text
        marked = [read.text[mark.start : mark.end] for mark in read.marks if mark.why == "signature"]
        assert not any("closed in May" in text or "Eel" in text for text in marked), page


def test_of_several_posts_all_are_read_and_comments_are_not() -> None:
    def post(number: int) -> str:
        said = " ".join(
            f"Post {number} says that the {part} of the harbour wall has stood for {number}00 years, and will stay."
            for part in ("upper part", "foot", "seaward face")
        )
        drawn = '<pre><code>wall(class="old", id="3")</code></pre>'
        return f'<div class="answer"><div class="post"><p>{said}</p>{drawn}<p>What do you say?</p></div></div>'

    page = f"<html><body><h1>How old is the wall?</h1>{''.join(map(post, range(2, 6)))}</body></html>"
    read = read_html(page.encode(), "page").text
    assert [f"Post {number} says" in read for number in range(2, 6)] == [True] * 4
    assert read.count('wall(class="old", id="3")') == 4

    story = "".join(
        f"<p>In {year} the people of the town crossed the river on the old wall, and paid for it.</p>"
        for year in range(1900, 1912)
    )
    comments = "".join(f'<div class="comment"><p>{"I saw this coming. " * 4}</p></div>' for _ in range(40))
    page = f'<html><body><article>{story}</article><div class="comments">{comments}</div></body></html>'
    assert "coming" not in read_html(page.encode(), "page").text
    teasers = "".join(
        f"<h3>Tip {n}</h3><p>Tip {n} tells what {n} people have seen behind the old wall.</p>" for n in range(16)
    )
    for name in ("footer", "widget", "more"):
        page = f'<html><body><main><article>{story}</article></main><div class="{name}">{teasers}</div></body></html>'
        read = read_html(page.encode(), "page").text
        assert "In 1911 the people" in read
        assert "Tip 3" not in read


def test_words_stay_as_the_page_writes_them() -> None:
    """Trafilatura drops invisible characters, on which Persian spelling depends, and composes accents."""
    decomposed = normalize("NFD", "Thư viện mở cửa lúc tám giờ")
    texts = [f"باران‌های بهار {n}، دست‌کم <a href='x'>می‌بارد</a>. {decomposed} soft 👩\u200d🚒." for n in range(6)]
    page = "<body><nav>Home</nav><article>" + "".join(f"<p>{text} A b.</p>" for text in texts) + "</article></body>"
    read = read_html(page.replace("soft", "so\u00adft").encode(), "page.html")  # such a hyphen is only for lines
    for text in texts:
        assert text.replace("<a href='x'>", "").replace("</a>", "") in read.text
    assert "Home" not in read.text


def test_a_thread_is_its_comments() -> None:
    said = "The build went from eleven minutes to four, since nothing is hashed twice any more, they say ({})."
    rows = "".join(
        f"<tr><td><div>ann{number} {number} hours ago</div><div class='comment'><p>{said.format(number)}</p>"
        "</div></td></tr>"
        for number in range(2, 30)
    )
    page = f"<html><body><table><tr><td>new | past | ask</td></tr>{rows}<tr><td>More</td></tr></table></body></html>"
    read = read_html(page.encode(), "page.html")
    assert all(said.format(number) in read.text for number in range(2, 30))
    summary = bertsum.Summarizer.from_pretrained("small")(read.text, sentences=2)
    assert all(sentence.startswith("The build went") for sentence in summary.sentences)
    lines = "<br>".join(f"The {word} goes down to the sea again" for word in ("moon", "sun", "rain"))
    poem = "".join(f"<p>{lines} {number}</p>" for number in range(4))
    comments = "".join(f"<div class='comment'><p>{said.format(number)}</p></div>" for number in range(9))
    read = read_html(f"<body><article><h1>Tides</h1>{poem}</article><div>{comments}</div></body>".encode(), "page.html")
    assert "down to the sea again" in read.text and "nothing is hashed" not in read.text


def test_a_chat_in_a_table() -> None:
    said = [
        "The router has restarted itself forty times since Monday, because it gets too hot.",
        "We have missed two calls because of it, and the children cannot do their homework.",
        "An update that lowers the heat was sent to it today, and it will restart once more.",
    ]
    rows = "".join(f"<tr><td><b>Ann</b> 10:4{place} AM</td><td>{text}</td></tr>" for place, text in enumerate(said))
    page = f"<html><body><h2>Your chat with us</h2><table>{rows}<tr><td>Bo 10:50 AM</td><td>ok</td></tr></table></body>"
    read = read_html(page.encode(), "page.html")
    summary = bertsum.Summarizer.from_pretrained("small")(read.text, sentences=3)
    assert summary.sentences == said


def test_blocks_that_trafilatura_joins_without_a_space() -> None:
    said = "The heater quit after thirteen months, one month out of warranty, and nobody at the shop answered."
    review = (
        "<div><span>T-Bone</span> <span>2 stars</span>\n<p>It is dead. {}</p><span>{} people found this</span></div>\n"
    )
    reviews = "".join(review.format(said.replace("thirteen", word), place) for place, word in enumerate(("ten", "two")))
    page = f"<html><body><h1>An oven</h1><p>{said}</p><h2>Top reviews</h2>{reviews}<footer>x</footer></body></html>"
    read = read_html(page.encode(), "page.html")
    assert "answered.\n\n0 people found" in read.text and "answered.\n\n1 people found" in read.text


def test_notices_above_the_title_of_a_page_are_left_out() -> None:
    notice = "Take part in the photo competition “The coast in pictures” of the society until 30 June."
    prose = [
        f"The lighthouse was built in {year} by masons who could land on the rock in summer only."
        for year in range(1854, 1866)
    ]
    body = "".join(f"<p>{text}</p>" for text in prose)
    page = "<html><body><div id='content'><div><p>{}</p></div><h1>The lighthouse</h1>{}</div></body></html>"
    read = read_html(page.format(notice, body).encode(), "page.html")
    assert notice not in read.text and all(text in read.text for text in prose)
    assert notice in [skipped["text"] for skipped in read.skipped]
    below = read_html(f"<html><body>{body}<h1>Our town</h1><p>{notice}</p></body></html>".encode(), "page.html")
    assert all(text in below.text for text in prose)  # the title is below the article


def test_a_page_that_a_table_lays_out() -> None:
    """As old pages are: a menu beside the text, cells with several blocks."""
    prose = "The council has decided to rebuild the play area on the Green, because the climbing frame was rotten."
    menu = "<a href='i'>Home</a><br/><a href='c'>Councillors</a><br/><b>Clerk</b><br/>Mrs J. Tolliver"
    text = f"<h2>Latest news</h2><h3>Play area</h3><p>Posted 6th March</p><p>{prose}</p><p>Older news | Top</p>"
    foot = "<tr><td colspan='2'>Views expressed on linked sites are not those of the council, which has none.</td></tr>"
    page = f"<html><body><table><tr><td>{menu}</td><td>{text}</td></tr>{foot}</table></body></html>"
    lines = read_html(page.encode(), "page.html").text.splitlines()
    assert {"Home", "Councillors", "Clerk", "Latest news", "Play area", prose} <= set(lines)
