"""Feature matrices of many examples at once, the same numbers that `qareport.understanding` computes for one call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import scipy.sparse as sparse

from qareport.model import ACTS_OF, Role
from qareport.understanding import features
from qareport.understanding.features import CONTEXTS, Vocabulary
from qareport.understanding.reader_model import ROLES
from training.reader.examples import Example, Labels

#: N-grams in fewer sentences are not learned; around a sentence only short and common ones are looked at.
LEAST_SENTENCES, LEAST_AROUND, LONGEST_AROUND = 3, 8, 3


def learn_vocabulary(examples: Sequence[Example]) -> tuple[Vocabulary, int]:
    """Choose the n-grams of a model. Returns them and how many are also looked for around a sentence."""
    texts = [sentence.text for example in examples for sentence in example.sentences]
    keys, owners, sizes, _ = features.grams_of(texts)
    order = np.lexsort((owners, keys))
    keys, owners, sizes = keys[order], owners[order], sizes[order]
    new = np.r_[True, (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])]
    distinct, first, counts = np.unique(keys[new], return_index=True, return_counts=True)
    lengths = sizes[new][first]
    kept = counts >= LEAST_SENTENCES
    distinct, counts, lengths = distinct[kept], counts[kept], lengths[kept]
    around = (counts >= LEAST_AROUND) & (lengths <= LONGEST_AROUND)
    ranks = np.empty(len(distinct), dtype=np.int32)
    ranks[around] = np.arange(around.sum())
    ranks[~around] = np.arange(around.sum(), len(distinct))
    return Vocabulary(distinct, ranks), int(around.sum())


def act_matrices(
    examples: Sequence[Example], vocabulary: Vocabulary, around: int
) -> dict[Role, tuple[sparse.csr_matrix, Labels, np.ndarray]]:
    """Compute, for each role, features, labels, and the index of the example of each row.

    Features are of the shape (sentences, n-grams + contexts × `around` + numbers).
    """
    sentences = [sentence for example in examples for sentence in example.sentences]
    sizes = [len(example.sentences) for example in examples]
    starts = [0, *accumulate(sizes)]
    count = len(sentences)
    owners, grams = vocabulary.encode([sentence.text for sentence in sentences])
    own = _matrix(owners, grams, (count, len(vocabulary.keys)))
    near = own[:, :around]
    blocks = [sparse.diags(features.own_scale(_row_sums(own))) @ own]
    pairs: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in CONTEXTS}
    for example, start in zip(examples, starts, strict=False):
        customers = np.array([sentence.is_customer for sentence in example.sentences], dtype=np.bool_)
        for name, stretches in features.neighbours(customers).items():
            for target, (first, end) in enumerate(zip(*(edge.tolist() for edge in stretches), strict=True), start):
                pairs[name][0].extend([target] * (end - first))
                pairs[name][1].extend(range(first + start, end + start))
    for name in CONTEXTS:
        summed = _matrix(np.array(pairs[name][0]), np.array(pairs[name][1]), (count, count)) @ near
        blocks.append(sparse.diags(features.context_scale(name, _row_sums(summed))) @ summed)
    numbers = np.vstack([features.numbers_of(example.sentences) for example in examples])
    blocks.append(sparse.csr_matrix(numbers))
    whole = sparse.hstack(blocks, format="csr", dtype=np.float32)
    of_customer = np.array([sentence.is_customer for sentence in sentences])
    example_of = np.repeat(np.arange(len(examples)), sizes)
    rows_of = {role: np.flatnonzero(of_customer == (role is Role.CUSTOMER)) for role in ROLES}
    labels = [row for example in examples for row in example.labels]
    return {
        role: (
            whole[rows],
            np.array([labels[row] for row in rows], dtype=np.int8).reshape(-1, len(ACTS_OF[role])),
            example_of[rows],
        )
        for role, rows in rows_of.items()
    }


def topic_matrix(examples: Sequence[Example], vocabulary: Vocabulary, around: int) -> sparse.csr_matrix:
    """Compute the features of topics, of the shape (examples, parts × `around`)."""
    sizes = [len(example.sentences) for example in examples]
    owners, grams = vocabulary.encode([sentence.text for example in examples for sentence in example.sentences])
    near = _matrix(owners, grams, (sum(sizes), len(vocabulary.keys)))[:, :around]
    blocks = {name: [] for name in features.TOPIC_PARTS}
    for example, start in zip(examples, [0, *accumulate(sizes)], strict=False):
        customers = np.array([sentence.is_customer for sentence in example.sentences])
        for name, chosen in features.topic_parts(customers).items():
            rows = start + np.flatnonzero(chosen)
            held = np.unique(near[rows].indices)
            scale = features.topic_scale(name, len(held))
            blocks[name].append(
                sparse.csr_matrix(
                    (np.full(len(held), scale, np.float32), (np.zeros_like(held), held)), shape=(1, around)
                )
            )
    return sparse.hstack([sparse.vstack(rows) for rows in blocks.values()], format="csr")


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _row_sums(matrix: sparse.csr_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1), dtype=np.float32).ravel()
