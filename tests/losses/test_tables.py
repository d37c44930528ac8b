"""The documentation's tables of losses hold every registered one."""

from bilevel_jax.losses.adversarial import FAMILIES
from bilevel_jax.losses.fusion import TARGETS, TERMS
from bilevel_jax.losses.tables import adversarial_table, targets_table, terms_table


def test_every_term_target_and_adversarial_loss_has_its_row():
    for term in TERMS.values():
        assert f"| `visual.{term.name}` | {term.help} | {term.default:g} | {term.least_side} |\n" in terms_table()
    for target in TARGETS.values():
        assert f"| `{target.name}` | {target.help} |\n" in targets_table()
    for family in FAMILIES.values():
        assert f"| `{family.name}` | {family.help} | {family.gradient_penalty:g} |\n" in adversarial_table()
