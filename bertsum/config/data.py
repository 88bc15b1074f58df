"""Configuration of data: documents, reference summaries and labels, and how a document becomes encoder input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from bertsum.config.bounds import Count, Factor, Positive, Share, Source, Text, Weight, Whole


@dataclass(frozen=True)
class DataConfig:
    """Where documents come from, and how reference summaries become labels."""

    dataset: Text | None = None
    """The hub dataset, such as cnn_dailymail. Null: the splits are files."""
    dataset_config: Text | None = None
    """The configuration of the hub dataset, such as 3.0.0."""
    train: Source = None
    """Training documents: a file (JSON lines, or a format of the papers), a folder, a glob, or a list of them.
    sample/NAME is a file of the bundled sample. With data.dataset, it is the name of a split. A masked_lm needs no
    summaries, and reads plain .txt files, too, each a document."""
    mixture: list[Weight] | None = None
    """How often each entry of data.train is read: 1 is once, 2 is twice, 0.4 is two of every five documents. Null: each
    once."""
    validation: Source = None
    """Validation documents, given like data.train."""
    test: Source = None
    """Test documents, given like data.train."""
    document_folders: list[Text] | None = None
    """Folders with one file per document; subfolders are searched. The splits are then lists of documents: URLs of
    CNN/DailyMail stories, ids (one a line), or XSum's JSON file of ids by split."""
    document_field: Text | None = None
    """The field with the document. Null: the first of document, article, text, source, src_txt, src that the first
    record has."""
    summary_field: Text | None = None
    """The field with the reference summary. Null: the first of summary, highlights, target, abstract, tgt that the
    first record has."""
    id_field: Text | None = None
    """The field with the document's id. Null: id, or paper_id, or else a number."""
    query_field: Text | None = None
    """The field with a question; the sentences that answer it are in the field relevant (their numbers, from 0) or
    answers (strings, each with its start if known). Null: query. A record without a query is an article."""
    target_suffix: Text | None = None
    """The end of the names of files with the summaries or translations. With de, each line of train.en or train.en.gz
    is a document, and the same line of train.de or train.de.gz its translation. Null: a record holds both."""
    summary_list: Literal["sentences", "references"] = "sentences"
    """What a list of strings in the summary field holds: the sentences of one reference, or several references. A list
    of lists always holds several references."""
    on_error: Literal["stop", "skip"] = "stop"
    """What happens if a document cannot be used: stop raises an error, skip leaves it out and reports it."""
    limit: Count | None = None
    """Only this many documents of each split are read. Null: all."""
    min_sentences: Count = 1
    """Documents with fewer usable sentences are dropped."""
    min_summary_words: Whole = 1
    """Documents with fewer words in their summary are dropped."""
    filtered_splits: Literal["train", "all"] = "train"
    """Where data.min_sentences and data.min_summary_words apply: train drops training documents only (as for
    CNN/DailyMail), all drops documents of every split (as for NYT50)."""
    oracle: Literal["unicode", "paper"] = "unicode"
    """How text is normalised for oracle labels. unicode keeps letters and digits of every script, and labels what the
    model can see. paper keeps ASCII only, and labels the whole document before sentences are dropped."""
    oracle_sentences: Count = 3
    """An oracle has at most this many sentences."""
    oracle_references: Literal["mean", "best"] = "mean"
    """What the oracle maximises with several references: the mean over them, or the best of them."""
    labels: Literal["greedy", "soft", "teacher"] = "greedy"
    """What an extractive model learns from (docs/losses.md). greedy: the sentences of one greedy oracle have the label
    1, the others 0 (the paper). soft: a label is the probability that an extract has the sentence; extracts with better
    ROUGE are more probable. teacher: in training documents, a label is the score that another model gave the
    sentence."""
    soft_temperature: Positive | None = None
    """The temperature of soft labels; 0.05 is five points of ROUGE-1 + ROUGE-2. With data.labels teacher it belongs to
    the oracle that is mixed with the teacher: soft with this temperature, or greedy with null."""
    teacher: Source = None
    """The scores for data.labels teacher: the predictions.jsonl that bertsum eval --split train writes; or JSON lines
    with id and scores, one for each sentence of the document (null for a sentence that was not read). Scores of several
    files are averaged."""
    teacher_weight: Factor = 1.0
    """The weight w of the teacher: a label is w times the teacher's score plus 1 - w times the oracle's label."""
    detokenized: Share = 0.0
    """This share of the training documents, drawn by id, is first put back to ordinary prose ("do n't" to "don't"). It
    helps where the corpus is tokenised and the texts to summarise are not."""
    joined: Share = 0.0
    """This share of the training documents, drawn by id, is followed by two to five other documents, whose sentences
    all count as not in the summary. The model learns from news that a long document is mostly not summary. It needs
    encoding.long_documents window."""
    prepared_dir: Text = "prepared"
    """The folder for prepared data. Each preparation has its own subfolder, named by its fingerprint."""
    workers: Annotated[int, Ge(1), Le(1024)] | None = None
    """The number of processes that prepare data and compute ROUGE. Null: one for each core."""

    def has_split(self, split: str) -> bool:
        """Whether a split is configured; a hub dataset counts as having all splits."""
        return self.dataset is not None or bool(getattr(self, split))


@dataclass(frozen=True)
class EncodingConfig:
    """How a document becomes encoder input. It is saved with the model, so that every text is read as in training."""

    max_length: Annotated[int, Ge(3), Le(1_000_000)] = 512  # [CLS], one token, [SEP]
    """The longest input of the encoder, in tokens. Position embeddings are extended if it was pretrained with fewer."""
    long_documents: Literal["truncate", "window"] = "truncate"
    """How a document with more tokens is read. truncate reads its beginning (the paper). window reads all of it in
    windows of max_length tokens with context around them; the head then sees all sentence vectors of the document. A
    masked_lm always reads all, window by window."""
    max_sentences: Count = 100
    """Only this many sentences of a document are read, if it is truncated."""
    min_sentence_words: Whole = 1
    """Sentences with fewer words are left out, unless all sentences of the document are that short."""
    max_sentence_words: Count = 200
    """The encoder reads only this many words of a longer sentence; a summary has the whole sentence."""
    split_sentences: bool = True
    """A document that is one text is split into sentences. false: it is read as one sentence (translation)."""
    words: Literal["tokenizer", "spaces"] = "tokenizer"
    """What a word is before it is cut into tokens. tokenizer: what the tokenizer says. spaces: what stands between
    spaces, as in the authors' code. This is for text that is already tokenised; in other text, some words
    become the unknown token."""
