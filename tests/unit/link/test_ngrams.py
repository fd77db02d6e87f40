import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from smm4h_core.link.lexical import fold
from smm4h_core.link.ngrams import build_ngram_index
from smm4h_core.link.terminology import Terminology

WORDS = st.text(st.sampled_from("ab cё-é1😀\u00a0"), max_size=24)


def similar_by_sklearn(texts: list[str], queries: list[str]) -> np.ndarray:
    vectoriser = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 3), lowercase=False, sublinear_tf=True
    )
    rows = vectoriser.fit_transform(texts)
    return (vectoriser.transform(queries) @ rows.T).toarray()


@given(st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, min_size=1, max_size=4))
def test_ngram_index_weighs_as_scikit_learn_does(texts: list[str], queries: list[str]) -> None:
    texts = ["abc", *texts]
    index = build_ngram_index(texts)
    expected = similar_by_sklearn(texts, queries)
    for query, row in zip(queries, expected, strict=True):
        assert index.cosines(query) == pytest.approx(row, abs=1e-12)


def test_ngram_index_weighs_a_terminology_as_scikit_learn_does(synthetic: Terminology) -> None:
    texts = [fold(each.term) for each in synthetic.proposed_terms]
    queries = [*(text[1:-1] for text in texts[:200]), ""]
    index = build_ngram_index(texts)
    found = np.array([index.cosines(query) for query in queries])
    assert np.abs(found - similar_by_sklearn(texts, queries)).max() < 1e-12
    assert not found[-1].any()
