"""A walk through retrieval: find pages, keep the sentences that answer, count the tokens that are saved.

Runs as a script, or cell by cell in an editor that knows "# %%":

python docs/retrieval.py                  # with the model of the package
python docs/retrieval.py runs/ask/best    # with one of your own
"""

# %% [markdown]
# # From a question to what answers it
#
# A language model that answers questions gets pages from a search, and pays for each token of them. Most sentences of a
# page do not answer. `Summarizer.prune` keeps those that do, verbatim, with their places.

# %%
import json
import math
import re
import sys
from collections import Counter

import bertsum
from bertsum.files import SAMPLE_FOLDER

# %% [markdown]
# ## Pages, and a store that finds them
#
# The pages are the 72 fictional articles of the package. Any store will do; this one ranks pages by the words that they
# share with the question, each weighted by how few pages have it.

# %%
files = [SAMPLE_FOLDER / f"english.{split}.jsonl" for split in ("train", "validation")]
pages = [json.loads(line)["document"] for file in files for line in file.read_text(encoding="utf-8").splitlines()]
words_of_pages = [set(re.findall(r"\w+", page.lower())) for page in pages]
pages_with = Counter(word for words in words_of_pages for word in words)


def retrieve(question: str, count: int) -> list[str]:
    """The pages that share most with a question."""
    asked = set(re.findall(r"\w+", question.lower()))
    shared = [sum(math.log(len(pages) / pages_with[word]) for word in asked & words) for words in words_of_pages]
    best = sorted(range(len(pages)), key=lambda place: -shared[place])[:count]
    return [pages[place] for place in best]


# %% [markdown]
# ## Questions
#
# Each with the words that the right sentence has. Nothing answers the last one.

# %%
questions = {
    "How many homes were flooded in Millsend?": "312 homes",
    "What does a licence cost private landlords in Stavering?": "620 dollars",
    "Which company's failed update made people miss their wages?": "Tallystone",
    "How large is the sponge reef that was found in the deep sea?": "840 square kilometres",
    "How many households does the Lantern Street Pantry feed?": "1,900 households",
    "How long is the crack in the viaduct?": "6.8 metres",
    "How old is the owner of the rooster Marshal?": "79",
    "When was an election in the district last settled by chance?": "1911",
    "What did the stare of the painted herring do to a dentist's patients?": "upsetting his patients",
    "Who won the chess championship in Lima?": "",
}

# %% [markdown]
# ## Prune and count
#
# Five pages for each question. Without a threshold, `prune` takes the one that the model is saved with.

# %%
model = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
summarizer = bertsum.Summarizer.from_pretrained(model)


def tokens(texts: list[str]) -> int:
    """Tokens of some texts, as this model counts them; other models count nearly as many."""
    plain = {"add_special_tokens": False, "verbose": False}
    return sum(map(len, summarizer.model.tokenizer(texts, **plain)["input_ids"])) if texts else 0


before = after = kept_answers = 0
for question, answer in questions.items():
    found = retrieve(question, 5)
    pruned = summarizer.prune(question, found)
    left = [page.text for page in sorted(pruned, key=lambda page: -page.score) if page.text]
    before, after = before + tokens(found), after + tokens(left)
    kept_answers += bool(answer) and any(answer in text for text in left)
    print(f"{question}\n    {tokens(found):,} tokens -> {tokens(left):,}")
    if left:
        print(f"    {' '.join(left[0].split())[:150]}")

# %%
asked = sum(map(bool, questions.values()))
print(f"\n{before:,} tokens -> {after:,} ({1 - after / before:.0%} saved); {kept_answers} of {asked} answers are kept")
