from pathlib import Path

from benchmarks.shuffled_molecules import molecules_of, shuffle_molecules, write_shuffled_molecules
from smm4h_core.config import read_config
from smm4h_core.drugs.finder import load_finder
from smm4h_core.members.data import read_run_posts
from smm4h_core.types import AnnotatedPost, Post


def test_every_drug_gets_another_ones_molecule_and_none_is_lost() -> None:
    molecules = {"aspirin": "CC(=O)Oc1ccccc1C(=O)O", "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C"}
    molecules["ethanol"] = "CCO"
    shuffled = shuffle_molecules(molecules)
    assert shuffled.keys() == molecules.keys()
    assert sorted(shuffled.values()) == sorted(molecules.values())
    assert all(shuffled[drug] != molecules[drug] for drug in molecules)
    assert shuffled == shuffle_molecules(molecules)


def test_only_drugs_of_the_posts_whose_molecule_is_known_are_shuffled() -> None:
    texts = ("ibuprofen and more ibuprofen", "infliximab, then sertraline", "no drug at all")
    posts = [AnnotatedPost(Post(str(i), text, "en")) for i, text in enumerate(texts)]
    assert molecules_of(posts).keys() == {"ibuprofen", "sertraline"}


def test_a_table_changes_molecules_and_not_which_drugs_are_found(tmp_path: Path) -> None:
    table_of_run = f"drugs.tables=[{tmp_path / 'made' / 'shuffled.tsv'}]"
    config = read_config(Path("tune_configs/embedded/demo.yaml"), [table_of_run])
    table = write_shuffled_molecules(config)
    plain, shuffled = load_finder(), load_finder([table])
    num_changed = 0
    for each in read_run_posts(config).all:
        own = plain.find(each.post.text, lang=each.post.lang)
        other = shuffled.find(each.post.text, lang=each.post.lang)
        assert [(d.span, d.name) for d in own] == [(d.span, d.name) for d in other]
        for ours, theirs in zip(own, other, strict=True):
            assert (ours.smiles is None) == (theirs.smiles is None)
            assert ours.smiles is None or ours.smiles != theirs.smiles
            num_changed += ours.smiles is not None
    assert num_changed > 0

    table.write_text("kept as it is", encoding="utf-8")
    assert write_shuffled_molecules(config).read_text(encoding="utf-8") == "kept as it is"
