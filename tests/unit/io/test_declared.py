"""What headers, file names and NeuroVault say about a map, and who wins."""

import nibabel as nib
import numpy as np
import pytest

from statmap.io.declared import KEYS, ORIGINS, Evidence, Header, entities_of, statistic
from statmap.io.files import UserError
from statmap.io.opening import look

NOTHING = dict.fromkeys(KEYS)
ZEROS = np.zeros((2, 3, 4), "f4")


def said(header=None, source="x.nii", sheet=None, neurovault=None):
    """What is found for one map, without what nobody says, and who said it."""
    found, origin = statistic(header or Header(), source, sheet or {}, "map 'm'", neurovault=neurovault)
    assert list(found) == list(KEYS)
    return {key: value for key, value in found.items() if value is not None}, origin


@pytest.fixture
def intent(tmp_path):
    """The header of an image that is written with an intent."""

    def make(code="none", parameters=(), kind=nib.Nifti1Image, name="map.nii.gz", order="<", descrip=b""):
        header = kind.header_class(endianness=order)
        header.set_intent(code, parameters)
        header["descrip"] = descrip
        kind(ZEROS.astype(order + "f4"), np.eye(4), header).to_filename(tmp_path / name)
        return look(tmp_path / name, "map 'm'").header

    return make


def spm(intent, text):
    return intent(descrip=text.encode() if isinstance(text, str) else text)


# ------------------------------------------------------------------------------------------------------- intent codes
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_the_intent_is_read_from_every_kind_of_file(intent, kind, name, order):
    assert intent("f test", (2, 40), kind, name, order)[:2] == (4, (2.0, 40.0))


@pytest.mark.parametrize(
    ("code", "parameters", "stat", "df"),
    [
        ("t test", (84,), "t", 84.0),
        ("t test", (84.3,), "t", 84.3),
        ("f test", (2, 40), "F", [2.0, 40.0]),
        ("z score", (), "z", None),
        ("p value", (), "p", None),
        ("t test", (0,), "t", None),
        ("f test", (2, 0), "F", None),
        ("t test", (np.nan,), "t", None),
        ("none", (), "other", None),
        ("estimate", (), "other", None),
    ],
)
def test_the_intent_code_fills_what_the_sheet_leaves_empty(intent, code, parameters, stat, df):
    found, origin = said(intent(code, parameters))
    assert (found["stat"], found.get("df")) == (stat, df)
    assert origin == {key: "header" for key, value in (("stat", stat), ("df", df)) if value not in (None, "other")}


# ------------------------------------------------------------------------------------------------- SPM's description
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SPM{T_[86.0]} - contrast 1: tapping>rest", {"stat": "t", "df": 86.0, "contrast": "tapping>rest"}),
        ("SPM{F_[2.0,40.5]} - contrast 12: any face", {"stat": "F", "df": [2.0, 40.5], "contrast": "any face"}),
        ("SPM{T_[23]}", {"stat": "t", "df": 23.0}),
        ("SPM{T_[42.0]} - contrast 1", {"stat": "t", "df": 42.0}),
        ("SPM{T_[12.0]} - contrast : faces", {"stat": "t", "df": 12.0, "contrast": "faces"}),
        ("SPM{Z_[1.0]} - contrast 3: z", {"stat": "z", "contrast": "z"}),
        ("DPABI{T_[40.0]}{dLh_0.1}", {"stat": "t", "df": 40.0}),
        ("SPM{T_[86.0]}-filtered: u = 3.190, k = 10", {"stat": "t", "df": 86.0, "thresholded": True}),
        ("SPM{F_[2.0]} - contrast 1: cut", {"stat": "F", "contrast": "cut"}),
        ("SPM{T_[..]} - contrast 1: odd", {"stat": "t", "contrast": "odd"}),
        ("SPM contrast - 1: tapping>rest", {"stat": "other", "contrast": "tapping>rest"}),
        ("spm - 3D normalized", {"stat": "other"}),
        ("FSL5.0", {"stat": "other"}),
        ("SPM{T_[8.0]} - contrast 1: Blick nach lin\xe4".encode("latin-1"), {"contrast": "Blick nach linä"}),
        ("SPM{T_[8.0]} - contrast 1: a\nb\x07", {"contrast": "a b"}),
    ],
)
def test_what_spm_writes_into_descrip(intent, text, expected):
    found, origin = said(spm(intent, text))
    assert (
        found == {"stat": "t", "df": 8.0} | expected if isinstance(text, bytes) or "\n" in text else found == expected
    )
    assert set(origin.values()) <= {"descrip"} and set(origin) == set(found) - {"stat"} | (
        {"stat"} if found["stat"] != "other" else set()
    )


def test_descrip_and_intent_may_say_the_same_and_may_not_differ(intent):
    header = intent("t test", (86,), descrip=b"SPM{T_[86.0]} - contrast 1: a")
    found, origin = said(header)
    assert found == {"stat": "t", "df": 86.0, "contrast": "a"}
    assert origin == {"stat": "header", "df": "header", "contrast": "descrip"}
    for code, numbers in (("z score", ()), ("t test", (85,)), ("f test", (1, 86))):
        with pytest.raises(
            UserError, match=r"^map 'm': the header of x.nii says (stat|df) .*, descrip in the header of"
        ):
            said(intent(code, numbers, descrip=b"SPM{T_[86.0]} - contrast 1: a"))


# ------------------------------------------------------------------------------------------------ degrees of freedom
@pytest.mark.parametrize(
    ("df", "text"),
    [
        (83.9999999999599, "SPM{T_[84.0]}"),
        (84, "SPM{T_[84.0]}"),
        (83.96, "SPM{T_[84.0]}"),  # as it is printed with one decimal
        (84.05, "SPM{T_[84.0]}"),
        (85.99999999995705, "SPM{T_[86]}"),
        ([2, 40.04], "SPM{F_[2.0,40.0]}"),
        ([1.9999999, 40], "SPM{F_[2.0,40.0]}"),
    ],
)
def test_degrees_of_freedom_that_are_the_same(intent, df, text):
    found, origin = said(spm(intent, text), sheet={"df": df})
    assert found["df"] == df and "df" not in origin
    stat = found["stat"]
    if not np.allclose(df, np.round(df), rtol=1e-6):
        return  # the intent code has them to seven digits
    numbers = tuple(np.round(np.atleast_1d(df)))
    assert said(intent({"t": "t test", "F": "f test"}[stat], numbers), sheet={"df": df})[0]["df"] == df


@pytest.mark.parametrize(
    ("df", "text", "shown"),
    [
        (83.94, "SPM{T_[84.0]}", "83.94, but .* says 84;"),
        (86.001, "SPM{T_[86]}", "86.001, but .* says 86;"),
        ([2, 40], "SPM{T_[84.0]}", "2,40, but .* says 84;"),
        (40, "SPM{F_[2.0,40.0]}", "40, but .* says 2,40;"),
        ([40, 2], "SPM{F_[2.0,40.0]}", "40,2, but .* says 2,40;"),
    ],
)
def test_degrees_of_freedom_that_differ(intent, df, text, shown):
    with pytest.raises(UserError, match=f"^map 'm': column df of the sample sheet is {shown}"):
        said(spm(intent, text), sheet={"df": df})


def test_the_sheet_is_compared_with_the_intent_to_a_millionth(intent):
    header = intent("t test", (84,))
    assert said(header, sheet={"df": 83.99995})[0]["df"] == 83.99995
    with pytest.raises(UserError, match=r"is 83\.999, but the header of x.nii says 84;"):
        said(header, sheet={"df": 83.999})


# ------------------------------------------------------------------------------------------------- AFNI's attributes
LABELS = ("Full_Fstat", "visual#0_Coef", "visual#0_Tstat", "#3", "z")
AUX = [0.0, 4, 2, 2, 40, 2, 3, 1, 23.5, 4, 5, 0]


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (0, {"stat": "F", "df": [2.0, 40.0], "contrast": "Full_Fstat"}),
        (1, {"stat": "other", "contrast": "visual#0_Coef"}),
        (2, {"stat": "t", "df": 23.5, "contrast": "visual#0_Tstat"}),
        (3, {"stat": "other"}),
        (4, {"stat": "z", "contrast": "z"}),
        (5, {"stat": "other"}),
    ],
)
def test_what_afni_says_of_a_volume(volume, expected):
    afni = {"BRICK_STATAUX": AUX, "BRICK_LABS": "~".join(LABELS)}
    assert said(Header(afni=afni, labels=LABELS, volume=volume))[0] == expected
    symbols = {"BRICK_STATSYM": "Fstat(2,40);none;Ttest(23.5);none;Zscore()"}
    assert said(Header(afni=symbols, labels=LABELS, volume=volume))[0] == expected


@pytest.mark.parametrize("aux", [[], [0], [0, 3], [0, 3, 1], [0, 3, -1, 5], [np.inf, np.nan, 3], [0, 3, 9e9, 1], "x"])
def test_attributes_of_afni_that_are_cut_say_nothing_of_df(aux):
    assert "df" not in said(Header(afni={"BRICK_STATAUX": aux}))[0]


def test_the_space_of_afni():
    tlrc, orig = Header(afni={"TEMPLATE_SPACE": "TLRC"}), Header(afni={"TEMPLATE_SPACE": "ORIG"})
    assert said(tlrc) == ({"stat": "other", "space": "TLRC"}, {"space": "AFNI header"})
    assert said(Header(afni={"TEMPLATE_SPACE": "MNI_2009c_asym"}), sheet={"space": "MNI152"})[0]["space"] == "MNI152"
    with pytest.raises(UserError, match=r"column space .* is MNI152, but the AFNI header of x.nii says TLRC"):
        said(tlrc, sheet={"space": "MNI152"})
    # AFNI's word for what it was told nothing of gives way to any other.
    assert said(orig)[0]["space"] == "ORIG" and said(orig, sheet={"space": "MNI152"})[0]["space"] == "MNI152"
    assert said(orig, "a_space-T1w_x.nii") == ({"stat": "other", "space": "T1w"}, {"space": "file name"})


# ------------------------------------------------------------------------------------------------------ the file name
def test_the_file_name_fills_the_rest(intent):
    name = "derivatives/sub-1_task-x_space-MNI152NLin2009cAsym_contrast-faces_stat-t_statmap.nii.gz"
    found, origin = said(source=name, sheet={"df": 12})
    assert found == {"stat": "t", "df": 12, "space": "MNI152NLin2009cAsym", "contrast": "faces"}
    assert origin == dict.fromkeys(("stat", "space", "contrast"), "file name")
    found, origin = said(intent("z score"), "sub-1_stat-effect_statmap.nii")
    assert found["stat"] == "z" and origin == {"stat": "header"}
    found, origin = said(source=name, sheet={"stat": "t", "df": 3, "space": "MNI152", "contrast": "own"})
    assert found == {"stat": "t", "df": 3, "space": "MNI152", "contrast": "own"} and origin == {}
    assert entities_of("a_stat-t_x.nii.gz[contrast-b_]") == {"stat": "t"}


@pytest.mark.parametrize(
    ("name", "corrected"),
    [
        ("grp_tfce_corrp_tstat1.nii.gz", "fwe"),
        ("grp_vox_corrp_tstat1.nii.gz", "fwe"),
        ("grp_clustere_corrp_fstat1.nii.gz", "fwe"),
        ("grp_clusterm_corrp_tstat2.nii.gz", "fwe"),
        ("deep/grp_corrp_tstat1.nii.gz[0]", "fwe"),
        ("palm_tfce_tstat_fwep.nii.gz", "fwe"),
        ("palm_vox_tstat_mcfwep.nii", "fwe"),
        ("palm_vox_tstat_cfwep_c1.nii", "fwe"),
        ("palm_vox_tstat_fdrp_c1.nii", "fdr"),
        ("palm_vox_tstat_uncp.nii", None),
        ("grp_vox_p_tstat1.nii.gz", None),
        ("grp_tstat1.nii.gz", None),
        ("corrp_folder/x.nii", None),
        ("acorrp.nii", None),
    ],
)
def test_names_that_say_what_p_is_corrected_for(name, corrected):
    found, origin = said(source=name, sheet={"stat": "1-p"})
    assert found.get("corrected") == corrected and origin == ({"corrected": "file name"} if corrected else {})
    # Of what is no map of p it says nothing.
    assert "corrected" not in said(source=name, sheet={"stat": "t"})[0]
    if corrected == "fwe":
        with pytest.raises(
            UserError, match=r"column corrected of the sample sheet is fdr, but the file name .* says fwe"
        ):
            said(source=name, sheet={"stat": "1-p", "corrected": "fdr"})


@pytest.mark.parametrize("form", ["p", "1-p", "log10p"])
def test_the_form_of_p_is_the_sheet_s(intent, form):
    assert said(intent("p value"), sheet={"stat": form})[0]["stat"] == form
    answer = {"map_type": "P map (given null hypothesis)"}
    assert said(sheet={"stat": form}, neurovault=answer) == ({"stat": form}, {})
    with pytest.raises(UserError, match=r"column stat of the sample sheet is z, but the header of x.nii says p"):
        said(intent("p value"), sheet={"stat": "z"})


def test_corrected_belongs_to_p():
    for stat in ("p", "1-p", "log10p"):
        assert said(sheet={"stat": stat, "corrected": "fdr"}) == ({"stat": stat, "corrected": "fdr"}, {})
    for stat, shown in (("z", "z"), ("t", "t"), (None, "other")):
        with pytest.raises(
            UserError, match=f"corrected of the sample sheet is fwe, but stat is {shown}; accepted: .*p"
        ):
            said(sheet={"stat": stat, "corrected": "fwe"})


# --------------------------------------------------------------------------------------------------------- NeuroVault
ANSWER = {
    "id": 32980,
    "collection_id": 1952,
    "map_type": "T map",
    "statistic_parameters": 15.0,
    "is_thresholded": False,
    "target_template_image": "GenericMNI",
    "cognitive_contrast_cogatlas": "auditory versus visual",
    "contrast_definition": "auditory - visual",
    "DOI": "10.1000/x",
}


def test_neurovault_fills_what_the_sheet_leaves_empty():
    found, origin = said(source="neurovault:32980", neurovault=ANSWER)
    assert found == {
        "stat": "t",
        "df": 15.0,
        "space": "GenericMNI",
        "contrast": "auditory versus visual",
        "citation": "NeuroVault image 32980, collection 1952, doi:10.1000/x",
    }
    assert set(origin.values()) == {"NeuroVault"} and set(origin) == set(found)
    sheet = {"stat": "t", "df": 15, "space": "MNI152", "citation": "mine"}
    assert said(source="neurovault:32980", sheet=sheet, neurovault=ANSWER)[0] == sheet | {
        "contrast": "auditory versus visual"
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"map_type": "Z map", "statistic_parameters": 1}, {"stat": "z"}),
        ({"map_type": "F map", "statistic_parameters": 2}, {"stat": "F"}),
        ({"map_type": "P map (given null hypothesis)"}, {"stat": "p"}),
        ({"map_type": "Other", "statistic_parameters": 3}, {"stat": "other"}),
        ({"map_type": "T map", "statistic_parameters": None}, {"stat": "t"}),
        ({"map_type": "T map", "statistic_parameters": 0}, {"stat": "t"}),
        ({"target_template_image": "GenericMNI", "not_mni": True}, {"stat": "other"}),
        ({"target_template_image": "Talairach"}, {"stat": "other", "space": "Talairach"}),
        ({"cognitive_contrast_cogatlas": "None / Other", "contrast_definition": "a - b"}, {"contrast": "a - b"}),
        ({"cognitive_contrast_cogatlas": None, "contrast_definition": ""}, {"stat": "other"}),
        ({"is_thresholded": True}, {"thresholded": True}),
        ({"id": 3}, {"citation": "NeuroVault image 3"}),
        ({}, {"stat": "other"}),
    ],
)
def test_answers_of_neurovault(answer, expected):
    assert said(neurovault=answer)[0] == {"stat": "other"} | expected


@pytest.mark.parametrize(
    ("sheet", "shown"),
    [
        ({"stat": "z"}, "column stat of the sample sheet is z, but NeuroVault's answer to neurovault:32980 says t"),
        ({"df": 14}, "column df of the sample sheet is 14, but NeuroVault's answer .* says 15"),
        ({"space": "Talairach"}, "column space of the sample sheet is Talairach, but NeuroVault's .* says GenericMNI"),
    ],
)
def test_neurovault_is_contradicted_like_a_header(sheet, shown):
    with pytest.raises(UserError, match=f"^map 'm': {shown}"):
        said(source="neurovault:32980", sheet=sheet, neurovault=ANSWER)
    with pytest.raises(
        UserError, match=r"^map 'm': the header of neurovault:32980 says stat z, NeuroVault's answer to it"
    ):
        said(Header(intent=5), "neurovault:32980", neurovault=ANSWER)


# ------------------------------------------------------------------------------------------------------------ the table
@pytest.mark.parametrize(
    ("sheet", "image", "source", "shown"),
    [
        ({"stat": "z"}, ("t test", (84,)), "x.nii", "column stat of the sample sheet is z, but the header of x.nii"),
        ({"stat": "t", "df": 23}, ("t test", (84,)), "x.nii", "column df of the sample sheet is 23, .* says 84"),
        ({"stat": "z"}, (), "a_stat-t_statmap.nii", "the file name of a_stat-t_statmap.nii says t"),
        ({"space": "MNI152"}, (), "a_space-T1w_x.nii", "column space .* is MNI152, but the file name of .* says T1w"),
        ({}, ("t test", (84,)), "a_stat-z_x.nii", "the header of a_stat-z_x.nii says stat t, the file name of it z"),
    ],
)
def test_a_contradiction_is_refused(intent, sheet, image, source, shown):
    with pytest.raises(UserError, match=f"^map 'm': .*{shown}"):
        said(intent(*image), source, sheet)


def test_the_first_of_two_that_may_differ_is_taken(intent):
    header = spm(intent, "SPM{T_[84.0]} - contrast 1: own")
    found, origin = said(header, "a_contrast-other_x.nii", neurovault={"contrast_definition": "third"})
    assert found["contrast"] == "own" and origin["contrast"] == "descrip"


@pytest.mark.parametrize("origin", ORIGINS, ids=[origin.name for origin in ORIGINS])
def test_every_origin_reads_what_the_table_says_and_nothing_else(origin):
    headers = [Header(), Header(4, (1.0, 2.0), "SPM{T_[8.0]} - contrast 1: x", {"TEMPLATE_SPACE": "MNI"})]
    for header in headers:
        for neurovault in ({}, ANSWER):
            read = origin.read(Evidence(header, "a_stat-z_corrp_x.nii", neurovault))
            assert {key for key, value in read.items() if value} <= set(origin.says) <= set(KEYS)
    read = [
        origin.read(Evidence(header, "a_stat-z_space-MNI_contrast-q_fwep.nii", ANSWER | {"is_thresholded": True}))
        for header in (
            Header(4, (1.0, 2.0), "SPM{T_[8.0]}-filtered, contrast 1: x"),
            Header(afni={"TEMPLATE_SPACE": "MNI", "BRICK_STATAUX": AUX}, labels=("a",)),
        )
    ]
    assert {key for values in read for key, value in values.items() if value} == set(origin.says)
