"""What caches are told of an answer, and which entity tags they may ask about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import MutableHeaders

from app.database import Database
from app.graph.keeping import Keeping
from app.web.caching import VARY, cache_control, entity_tag, is_held, vary_by
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import make_industry, make_share

OURS = 'W/"3f"'
SERVICE = "{ service { version } }"
INDUSTRIES = "{ industries { tag } }"
SHARES = "{ shares { tag } }"
WITH_WORDS = ", ".join((*VARY, "Accept-Language"))


# Entity tags, by the grammar of RFC 9110, sections 8.8.3, 13.1.2 and 5.6.1.

ETAGC = st.sampled_from([",", "*", "W", "/", "a", "3", "f", "!", "~", "\x80", "\xff"])
OPAQUE = st.one_of(st.just("3f"), st.text(ETAGC, max_size=4))
ELEMENT = st.tuples(st.sampled_from(["", "W/"]), OPAQUE)
GAP = st.text(st.sampled_from(" \t"), max_size=2)
COMMA = st.builds(lambda before, after: f"{before},{after}", GAP, GAP)


@given(st.data(), st.lists(ELEMENT, min_size=1, max_size=5))
def test_any_list_is_searched_by_weak_comparison(data: st.DataObject, elements: list[tuple[str, str]]) -> None:
    # An empty element is a comma more.
    text = data.draw(st.lists(COMMA, max_size=2).map("".join))
    for position, (weakness, opaque) in enumerate(elements):
        text += f'{weakness}"{opaque}"'
        text += data.draw(st.lists(COMMA, min_size=int(position < len(elements) - 1), max_size=3).map("".join))

    assert is_held(text, OURS) == any(opaque == "3f" for _, opaque in elements)


def held_by_the_book(text: str) -> bool:
    """The same, read letter by letter."""
    if text.strip(" \t") == "*":
        return True
    found, needs_comma = set(), False
    while text := text.lstrip(" \t"):
        if text[0] == ",":
            text, needs_comma = text[1:], False
            continue
        opaque, quote, rest = text.removeprefix("W/")[1:].partition('"')
        if text.removeprefix("W/")[:1] != '"' or not quote or needs_comma or set(opaque) & set(" \t\x7f"):
            return False
        found.add(opaque)
        text, needs_comma = rest, True
    return "3f" in found


PIECES = st.sampled_from(['"3f"', 'W/"3f"', '"a,b"', "W/", "w/", '"', ",", " ", "\t", "*", "3f", "\x7f"])


@given(st.lists(PIECES, max_size=8).map("".join))
def test_what_is_no_list_says_nothing(text: str) -> None:
    assert is_held(text, OURS) == held_by_the_book(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('"3f"', True),
        ("*", True),
        (" * ", True),
        ('"a", W/"3f"', True),
        ('"a,W/", "3f"', True),
        (', ,"3f",, ', True),
        ("", False),
        (",", False),
        ("3f", False),
        ('w/"3f"', False),
        ('"3F"', False),
        ('"3f', False),
        ('"3f" "a"', False),
        ('"a" b, "3f"', False),
        ('*, "3f"', False),
        ('"a", "3f" x', False),
        ('"a b", "3f"', False),
        ('"a,"3f""', False),
    ],
)
def test_entity_tags(text: str, held: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (is_held(text, OURS), held_by_the_book(text)) == (held, held)


def test_a_long_header_is_read_in_one_go() -> None:
    # With a pattern that goes back, this would not end.
    assert not is_held('"a" ,\t, ' * 2_000 + '"', OURS)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_an_entity_tag_is_the_contents_own(one: bytes, other: bytes) -> None:
    assert (entity_tag(one) == entity_tag(other)) == (one == other)
    assert is_held(entity_tag(one), entity_tag(one))


# Headers.


@pytest.mark.parametrize(
    ("keeping", "said"),
    [
        (None, "no-store"),
        (Keeping(0, by_all=False), "private, no-cache"),
        (Keeping(0, by_all=True), "private, no-cache"),
        (Keeping(60, by_all=False), "private, max-age=60"),
        (Keeping(300, by_all=True), "public, max-age=300"),
    ],
)
def test_cache_control(keeping: Keeping | None, said: str) -> None:
    assert cache_control(keeping) == said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], "Accept, Authorization"),
        (["Origin"], "Origin, Accept, Authorization"),
        (["Origin, accept"], "Origin, accept, Authorization"),
        (["Origin", "AUTHORIZATION"], "Origin, AUTHORIZATION, Accept"),
        (["*"], "*"),
    ],
)
def test_vary_names_each_header_once(before: list[str], after: str) -> None:
    headers = MutableHeaders(raw=[(b"vary", value.encode()) for value in before])

    vary_by(headers, ("Accept", "Authorization"))

    assert headers.getlist("vary") == ([after] if before != ["*"] else ["*"])


# The endpoint.


async def get(api: Api, document: str, **headers: str) -> Any:
    return await api.http.get("/graphql", params={"query": document}, headers=headers)


@pytest.fixture
async def bearer(callers: Callers, app_database: Database) -> str:
    """A skilled trader's token, and one share for what it opens."""
    async with app_database.unit_of_work() as session:
        await make_share(session, await make_industry(session, tag="tech"), tag="BUD")
    return f"Bearer {callers.skilled}"


SAID = {
    SERVICE: "public, max-age=300",
    INDUSTRIES: "private, max-age=60",
    SHARES: "private, no-cache",
    "{ __typename }": "private, no-cache",
    "{ nothing }": "no-store",
    "{": "no-store",
    '{ service { version } share(id: "99") { id } }': "no-store",
    "mutation { shareDelete(input: {id: 99}) { outcome } }": "no-store",
}


@pytest.mark.anyio
async def test_an_answer_by_get_says_how_it_may_be_kept(api: Api, bearer: str) -> None:
    got = {document: await get(api, document, Authorization=bearer) for document in SAID}

    assert {document: each.headers["cache-control"] for document, each in got.items()} == SAID
    assert {document for document, each in got.items() if "etag" in each.headers} == {
        document for document, said in SAID.items() if said != "no-store"
    }
    assert {each.headers["vary"] for each in got.values() if "errors" not in each.json()} == {", ".join(VARY)}
    assert {each.headers["vary"] for each in got.values() if "errors" in each.json()} == {WITH_WORDS}


@pytest.mark.anyio
async def test_an_answer_by_post_is_not_to_be_kept(api: Api, bearer: str) -> None:
    token = {"Authorization": bearer}
    posted = [await api.http.post("/graphql", json={"query": document}, headers=token) for document in SAID]

    assert {each.headers["cache-control"] for each in posted} == {"no-store"}
    assert [name for each in posted for name in ("etag", "vary") if name in each.headers] == []


@pytest.mark.anyio
async def test_what_a_caller_is_refused_is_not_kept(api: Api, bearer: str, callers: Callers) -> None:
    stranger = await get(api, INDUSTRIES)
    newcomer = await get(api, INDUSTRIES, Authorization=f"Bearer {callers.newcomer}")
    broken = await get(api, SERVICE, Authorization="Bearer x")

    assert [
        (each.status_code, each.headers["cache-control"], each.headers["vary"], each.headers.get("etag"))
        for each in (stranger, newcomer, broken)
    ] == [(status, "no-store", WITH_WORDS, None) for status in (401, 200, 401)]


@pytest.mark.anyio
async def test_an_answer_that_is_there_already_is_not_sent_again(api: Api, bearer: str) -> None:
    first = await get(api, SHARES, Authorization=bearer)
    tag = first.headers["etag"]

    for held in (tag, "*", f'"other", {tag}', f'W/"other",{tag} ,'):
        again = await get(api, SHARES, Authorization=bearer, **{"If-None-Match": held})

        assert (again.status_code, again.content) == (304, b"")
        same = ("etag", "cache-control", "vary")
        assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
        assert [name for name in ("content-type", "content-length") if name in again.headers] == []


@pytest.mark.anyio
async def test_several_lines_of_entity_tags_are_one_list(api: Api, bearer: str) -> None:
    first = await get(api, SHARES, Authorization=bearer)

    headers = [("Authorization", bearer), ("If-None-Match", '"a"'), ("If-None-Match", first.headers["etag"])]
    again = await api.http.get("/graphql", params={"query": SHARES}, headers=headers)

    assert again.status_code == 304


@pytest.mark.anyio
async def test_a_changed_answer_is_sent_with_a_tag_of_its_own(
    api: Api, bearer: str, app_database: Database
) -> None:
    first = await get(api, SHARES, Authorization=bearer)
    async with app_database.unit_of_work() as session:
        await make_share(session, await make_industry(session, tag="finc"), tag="MGP")

    again = await get(api, SHARES, Authorization=bearer, **{"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.headers["etag"] == first.headers["etag"]) == (200, False)
    assert again.json() == {"data": {"shares": [{"tag": "BUD"}, {"tag": "MGP"}]}}


@pytest.mark.anyio
async def test_a_tag_opens_no_door(api: Api, bearer: str, statements: Statements) -> None:
    first = await get(api, SHARES, Authorization=bearer)
    statements.clear()

    stranger = await get(api, SHARES, **{"If-None-Match": f"*, {first.headers['etag']}"})
    any_tag = await get(api, SHARES, **{"If-None-Match": "*"})

    assert (stranger.status_code, any_tag.status_code, statements) == (401, 401, [])


@pytest.mark.anyio
async def test_a_post_is_always_answered_in_full(api: Api) -> None:
    answer = await api(SERVICE, headers={"If-None-Match": "*"})

    assert (answer.status, answer.data) == (200, {"service": {"version": "1.0"}})


@pytest.mark.anyio
async def test_the_page_says_itself_how_it_is_kept(api: Api) -> None:
    response = await api.http.get("/graphql", headers={"Accept": "text/html", "If-None-Match": "*"})

    assert (response.status_code, response.headers.get("cache-control")) in ((200, "no-store"), (200, None))
