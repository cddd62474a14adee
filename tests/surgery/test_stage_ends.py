import pytest

import kerasnets
from kerasnets.graph import no_values
from kerasnets.surgery import stage_ends

# The layers whose outputs the papers and RepDistiller compare: the last activation of each resolution.
ENDS = {
    ("ResNet20", None): ["stage1_unit3_act", "stage2_unit3_act", "stage3_unit3_act"],
    ("DenseNet40", None): ["transition1_conv", "transition2_conv", "final_act"],
    ("SqueezeNet", (96, 96, 3)): ["conv1", "fire4_join", "fire8_join", "fire9_join"],
    ("MLP800", None): [],
}


@pytest.mark.parametrize(("net", "ends"), ENDS.items(), ids=lambda x: x[0] if x else "none")
def test_the_last_maps_of_each_resolution(net, ends):
    name, shape = net
    with no_values():
        assert stage_ends(kerasnets.build(name, input_shape=shape)) == ends


@no_values()
def test_masks_on_coarser_grids_end_no_stage():
    net = kerasnets.build("Attention92C", depths=(1,), trunk_units=1, alpha=0.25)
    assert stage_ends(net) == ["final_act"]
