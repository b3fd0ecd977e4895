"""Every kind of finding, once: its severity, what it says, and what to do about it.

The texts are message ids; the catalogues hold them in both languages.
"""

from typing import NamedTuple

from wuhu_appraisal.i18n import N_

ERROR = "error"
WARNING = "warning"


class Code(NamedTuple):
    """One kind of finding."""

    severity: str
    message: str
    hint: str


# fmt: off
CODES: dict[str, Code] = {
    # YAML
    "yaml-syntax": Code(ERROR, N_("this is not valid YAML: {problem}"), N_("mend the line; indent with spaces and put texts that hold ': ' or ' #' in quotes")),
    "yaml-number": Code(ERROR, N_("'{value}' is no number that a scheme can hold"), N_("write a decimal number with at most 30 digits")),
    "yaml-too-large": Code(ERROR, N_("the file nests too deep or its aliases unfold to too much"), N_("write the scheme out without aliases")),
    "yaml-empty": Code(ERROR, N_("the file is empty"), N_("write the scheme's part into it or remove it")),
    "yaml-key-twice": Code(ERROR, N_("the key '{key}' stands here a second time; the first is at {first}"), N_("keep one of the two")),
    # Scheme: shape
    "scheme-not-found": Code(ERROR, N_("there is no scheme here"), N_("give a folder that holds scheme.yaml, one YAML file, or the name of a scheme that comes with the program")),
    "scheme-file-unread": Code(WARNING, N_("this file is no part of a scheme and was not read"), N_("move what it says to scheme.yaml, units.yaml or indicators.yaml, and cases to cases/*.yaml")),
    "scheme-not-mapping": Code(ERROR, N_("a scheme's file holds keys and values at its top"), N_("begin with a line such as 'stages:'")),
    "scheme-key-twice": Code(ERROR, N_("the key '{key}' stands in two files of the scheme; the first is at {first}"), N_("keep it in one file")),
    "scheme-key-unknown": Code(ERROR, N_("the key '{key}' means nothing here"), N_("keys known here: {known}")),
    "scheme-key-missing": Code(ERROR, N_("the key '{key}' is missing here"), N_("add it; 'appraise scheme schema' describes every key")),
    "scheme-value-unknown": Code(ERROR, N_("'{key}' cannot be '{value}'"), N_("it is one of: {known}")),
    "scheme-value-wrong": Code(ERROR, N_("'{key}' cannot be '{value_word}': {problem_word}"), N_("'appraise scheme schema' describes every key")),
    "scheme-step-unknown": Code(ERROR, N_("this is not a step"), N_("a step begins with roll_up, rescale or convert")),
    # Scheme: references
    "scheme-id-twice": Code(ERROR, N_("'{id}' is defined twice"), N_("give each its own id or name")),
    "scheme-name-clash": Code(ERROR, N_("'{name}' can be read as {first} and as {second}"), N_("remove the alias from one of them")),
    "scheme-reference": Code(ERROR, N_("nothing is called '{name}' here"), N_("correct the name or define it")),
    "scheme-raters": Code(ERROR, N_("the raters {raters} are neither units named one by one nor the units of a group"), N_("give either units or group")),
    "scheme-spread": Code(ERROR, N_("there are no full marks for the spread over {dimension} to be a share of"), N_("give the plan full_marks, or use 'of: highest'")),
    "scheme-form-shared": Code(ERROR, N_("{adjustment} reads the same sheet for the same group as {other}"), N_("give each its own file or sheet pattern")),
    "scheme-plan-missing": Code(ERROR, N_("the stage {stage} has no plan for the group {group}"), N_("add the group under 'plans'")),
    "scheme-dimension-kind": Code(ERROR, N_("the dimension {dimension} does not say in one way who its members are"), N_("give exactly one of members, raters, indicators, open")),
    "scheme-dimension-name": Code(ERROR, N_("'{dimension}' cannot be the name of a dimension"), N_("use letters, digits and _, beginning with a letter")),
    "scheme-placeholder": Code(ERROR, N_("an adjustment's file and sheet have no placeholders such as {placeholder}"), N_("write * where any text may stand")),
    "scheme-form-dimension": Code(ERROR, N_("this form gives the dimension {dimension} {times} times"), N_("each dimension comes once: from axes, from fixed, or from a placeholder in file or sheet")),
    # Scheme: sums
    "scheme-stage-weights": Code(ERROR, N_("the weights of the stages add up to {sum}, not to 100"), N_("correct the weights")),
    "scheme-marks-sum": Code(ERROR, N_("the items of {parent} add up to {sum} marks, not to {marks}"), N_("correct the marks of an item or of {parent}")),
    "scheme-weights-sum": Code(ERROR, N_("the weights below {parent} add up to {sum}, not to 100 or to 1"), N_("correct the weights")),
    "scheme-marks-or-weights": Code(ERROR, N_("the items of {parent} do not all have marks, or all weights"), N_("give each item on one level either marks or a weight")),
    # Scheme: steps
    "scheme-full-marks": Code(ERROR, N_("it is not said what these scores are out of"), N_("give the plan full_marks, or give each of its indicators marks")),
    "scheme-step-dimension": Code(ERROR, N_("there is no dimension {dimension} left to roll up"), N_("dimensions left at this step: {left}")),
    "scheme-step-grades": Code(ERROR, N_("{step} works on numbers, and the scores are still grades here"), N_("put the convert step before it")),
    "scheme-step-to": Code(ERROR, N_("{dimension} has no level below that one"), N_("'to' names a level of a tree of indicators, above its lowest; 1 is the top")),
    "scheme-step-weights": Code(ERROR, N_("weights and this roll-up of {dimension} do not go together"), N_("'by: weighted' needs weights, and nothing else has them; indicators carry their own")),
    "scheme-weight-members": Code(ERROR, N_("the weights for {dimension} name {given}, its members are {members}"), N_("give one weight to each member")),
    "scheme-step-levels": Code(ERROR, N_("weights are combined one level at a time, and this step skips some"), N_("first add a step with 'to: {level}'")),
    "scheme-step-open-sum": Code(ERROR, N_("a sum over {dimension} has no full marks, because its members are open"), N_("use a mean, or list the members")),
    "scheme-step-latest": Code(ERROR, N_("the latest of {dimension} needs members in a declared order"), N_("list the members")),
    "scheme-step-best": Code(ERROR, N_("'n' and 'by: best' belong together"), N_("give both or neither")),
    "scheme-step-trimmed": Code(ERROR, N_("drop_high or drop_low and 'by: trimmed_mean' belong together"), N_("give both or neither")),
    "scheme-step-per-item": Code(ERROR, N_("{step} cannot work on scores that are each out of their own item's marks"), N_("sum the indicators first, or give the plan full_marks")),
    "scheme-step-sum-levels": Code(ERROR, N_("a sum up to a level needs marks of their own for the indicators, not one full mark for all"), N_("give the indicators marks and leave out full_marks, or use a mean")),
    "scheme-convert-numbers": Code(ERROR, N_("the scores are numbers here, not grades"), N_("keep one convert step, before all others")),
    "scheme-rescale-from": Code(ERROR, N_("the scores are out of {scale} here, not out of {given}"), N_("correct 'from' or leave it out")),
    "scheme-convert-scale": Code(ERROR, N_("a grade is worth {highest}, more than the full marks of {scale}"), N_("correct the grade or full_marks")),
    "scheme-steps-left": Code(ERROR, N_("the steps do not lead to one number a unit: {dimensions} left"), N_("add a roll_up step for each")),
    "scheme-steps-scale": Code(ERROR, N_("the stage's score comes out of {scale}, not out of 100"), N_("end with a step 'rescale: 100'")),
    # Scheme: the rest
    "scheme-window": Code(ERROR, N_("the stage {stage} ends before it begins"), N_("correct the dates")),
    "scheme-bands": Code(ERROR, N_("the bands of {adjustment} overlap or run backwards"), N_("let each band begin above the end of the one before it")),
    "scheme-bands-value": Code(ERROR, N_("{adjustment} has bands, but its form has no column for their value"), N_("give form.value the labels of that column")),
    "scheme-bounds": Code(ERROR, N_("the cap of {name} is below its floor"), N_("correct one of the two")),
    "case-wrong": Code(ERROR, N_("{case}: {what} of {unit} is {computed}, expected {expected}"), N_("correct the case or the scheme")),
    "case-finding": Code(ERROR, N_("{case}: the finding {code} came and was not expected: {message}"), N_("complete the case's scores, or list the code under 'findings'")),
    "case-grain": Code(ERROR, N_("{case}: no step takes scores with just these dimensions: {dimensions}"), N_("give every score the dimensions that one of the stage's steps begins with")),
    "case-score-twice": Code(ERROR, N_("the case gives two scores for {of}"), N_("keep one of the two")),
    "case-no-finding": Code(ERROR, N_("{case}: the finding {code} was expected and did not come"), N_("correct the case or the scheme")),
    "cases-missing": Code(ERROR, N_("the scheme has no cases"), N_("put YAML files into its folder 'cases'")),
    # Files
    "file-not-found": Code(ERROR, N_("there is no such file or folder"), N_("check the path")),
    "file-unreadable": Code(ERROR, N_("the file cannot be read: {problem}"), N_("check its permissions and that no other program holds it")),
    "file-empty": Code(ERROR, N_("the workbook holds nothing"), N_("ask for it again, or remove it")),
    "file-not-workbook": Code(ERROR, N_("this is not a workbook that can be read"), N_("open it in a spreadsheet program, save it as .xlsx, and send it again")),
    "file-damaged": Code(ERROR, N_("the workbook is damaged and was not read"), N_("open it in a spreadsheet program, save it as .xlsx, and send it again")),
    "file-protected": Code(ERROR, N_("the workbook is protected by a password"), N_("give the password with --ask-password, --password-file or APPRAISE_PASSWORD, or save the workbook without one")),
    "file-password-wrong": Code(ERROR, N_("the password does not open the workbook"), N_("ask the office for the password, or for the workbook without one")),
    "file-is-markup": Code(ERROR, N_("this is a web page or an XML table under a workbook's name, as some systems export it"), N_("open it in a spreadsheet program, save it as .xlsx, and send it again")),
    "file-not-spreadsheet": Code(WARNING, N_("passed over: the name does not end like a workbook's"), N_("move it elsewhere, or save it as .xlsx if it holds scores")),
    "file-passed-over": Code(WARNING, N_("passed over: a file of the operating system or of an open spreadsheet program"), N_("nothing to do; close the workbook it belongs to if it is open")),
    "file-unrecognised": Code(ERROR, N_("no form of the scheme is looked for under this name"), N_("rename or move it to one of: {expected}")),
    "file-name-unknown": Code(ERROR, N_("'{name}' in the file's name is not known to the form {form}"), N_("rename the file")),
    "file-not-regular": Code(ERROR, N_("this is not a file that can be read: a device, a pipe, or a link to nothing"), N_("put the workbook itself in its place")),
    "folder-link": Code(ERROR, N_("the folder is a link and was not looked into"), N_("put the folder itself in its place")),
    "file-twice": Code(WARNING, N_("passed over: the same file was given already"), N_("nothing to do")),
    "folder-results": Code(WARNING, N_("passed over: results of an earlier run stand in this folder"), N_("nothing to do")),
    "folder-empty": Code(ERROR, N_("the folder holds no files"), N_("check the path")),
    "sheet-unreadable": Code(ERROR, N_("the sheet cannot be read"), N_("open the workbook, save it again, and look whether the sheet is whole")),
    "sheet-too-large": Code(ERROR, N_("something stands so far from the table that the sheet has over 20 million cells"), N_("clear the stray cell at the end of the sheet, or copy the table to a new one")),
    "sheet-hidden": Code(WARNING, N_("the sheet is hidden; it was read"), N_("show it, or remove it")),
    "rows-hidden": Code(WARNING, N_("hidden rows were read: {rows}"), N_("show them, or remove them if they do not count")),
    "columns-hidden": Code(WARNING, N_("hidden columns were read: {columns}"), N_("show them, or remove them if they do not count")),
    "sheet-unrecognised": Code(WARNING, N_("passed over: no form of the scheme is looked for in a sheet of this name"), N_("rename the sheet if it holds scores")),
    # Layout
    "sheet-no-header": Code(ERROR, N_("no header row with these labels was found: {expected}"), N_("give the columns the names that the scheme uses")),
    "sheet-no-names": Code(ERROR, N_("no column with names was found"), N_("label it with one of: {expected}")),
    "sheet-no-rows": Code(ERROR, N_("no row with scores was found below the header"), N_("fill the sheet in, or remove it")),
    "column-unknown": Code(WARNING, N_("the column '{label}' is not known and was not read"), N_("correct its label if it holds scores")),
    "column-ambiguous": Code(ERROR, N_("the column '{label}' could hold the same as '{first}'"), N_("keep one of the two, or say in the scheme which label counts")),
    "row-without-name": Code(ERROR, N_("this row has entries but no name"), N_("write the name, or clear the row")),
    "row-without-scores": Code(ERROR, N_("{name} has no score at all"), N_("fill the row in, or clear its name")),
    "row-passed-over": Code(WARNING, N_("'{name}' is no name that is expected here; the row has no scores and was passed over"), N_("nothing to do if it is a remark")),
    "name-unknown": Code(ERROR, N_("'{name}' is not known here"), N_("correct the name, or add it to the scheme as an alias")),
    "name-twice": Code(ERROR, N_("{name} stands here a second time; the first is in {first}"), N_("keep one of the two")),
    # Cells
    "score-as-text": Code(WARNING, N_("'{text}' is a number stored as text; it was read as the number"), N_("store it as a number")),
    "score-below-zero": Code(ERROR, N_("{value} is below 0"), N_("enter the score that was given")),
    "score-over-marks": Code(ERROR, N_("{value} is more than the full marks of {marks}"), N_("enter a score of at most {marks}")),
    "score-is-error": Code(ERROR, N_("the cell holds the error {value}, not a score"), N_("mend the formula, or enter the score as a number")),
    "formula-without-value": Code(ERROR, N_("the cell holds a formula that was never calculated"), N_("open the file in a spreadsheet program, save it, and send it again")),
    "score-is-percent": Code(ERROR, N_("the cell is shown as a percentage and holds {value}: it can be read in two ways"), N_("format the cell as a number and enter the score again")),
    "score-is-date": Code(ERROR, N_("the cell holds a date or a time ({value}), not a score"), N_("format the cell as a number and enter the score again")),
    "score-not-number": Code(ERROR, N_("'{value}' is not a number"), N_("enter the score as a number")),
    "grade-unknown": Code(ERROR, N_("'{text}' is not a grade of this scheme"), N_("enter one of: {grades}")),
    "not-applicable-misplaced": Code(ERROR, N_("{item} applies to {unit} and cannot be marked as not applicable"), N_("enter the score")),
    "total-differs": Code(WARNING, N_("the total stated for {name} is {stated}, its scores add up to {computed}"), N_("the scores count; correct the total or the score that is wrong")),
    # Scores
    "stage-missing": Code(ERROR, N_("{stage}: nothing was found for {group}"), N_("expected files: {expected}")),
    "stage-missing-unit": Code(ERROR, N_("{stage}: nothing was found for {unit}"), N_("supply its scores")),
    "final-missing": Code(ERROR, N_("{unit} has no score from which a final could come"), N_("supply its scores")),
    "score-missing": Code(ERROR, N_("{stage}: {of} has no score for {member}"), N_("a blank is not zero: enter the score")),
    "scores-missing": Code(ERROR, N_("{stage}: nothing was found of {member}, due for {count}: {of}"), N_("supply the sheet, row or column")),
    "score-not-applicable": Code(ERROR, N_("{stage}: {member} is marked as not applicable for {of}, and the scheme does not allow it"), N_("enter the score")),
    "scores-not-applicable": Code(ERROR, N_("{stage}: {member} does not apply for {count}: {of}, and the scheme does not allow it"), N_("enter the scores")),
    "scores-too-few": Code(ERROR, N_("{stage}: {of} has fewer than the {count} scores that are needed"), N_("supply more scores")),
    "score-twice": Code(ERROR, N_("{stage}: {of} has two scores; the first is at {first}"), N_("remove one of the two; neither counts until then")),
    "spread-too-small": Code(WARNING, N_("{stage}: {member} gave between {lowest} and {highest}; at least {needed} apart are asked for ({clause})"), N_("ask the rater to look at the ballot again")),
    # Adjustments
    "adjustment-group": Code(ERROR, N_("{adjustment} is not for {unit}"), N_("remove the row, or correct the name")),
    "adjustment-missing": Code(ERROR, N_("{adjustment}: no sheet of it was found"), N_("supply it, with its header alone if nobody has any; expected file: {expected}")),
    "adjustment-blank": Code(ERROR, N_("{adjustment}: nothing is entered here"), N_("enter the number")),
    "adjustment-no-reason": Code(ERROR, N_("{adjustment}: no reason is given for {unit}"), N_("write the reason")),
    "adjustment-no-evidence": Code(ERROR, N_("{adjustment}: no evidence is given for {unit}"), N_("name the document or record that shows it")),
    "adjustment-outside-bands": Code(ERROR, N_("{adjustment}: {value} is in none of the scheme's bands"), N_("enter the rank as published")),
    "adjustment-twice": Code(ERROR, N_("{adjustment}: {unit} has it twice; the first is at {first}"), N_("keep one of the two")),
    # Result
    "result-not-found": Code(ERROR, N_("there is no result here"), N_("run 'appraise compute' first, or give the file with --result")),
    "result-unreadable": Code(ERROR, N_("this is not a result that can be read: {problem}"), N_("run 'appraise compute' again")),
    "result-inconsistent": Code(ERROR, N_("the published numbers do not follow from the trace in the same file; it was changed"), N_("run 'appraise compute' again")),
    "result-other-scheme": Code(ERROR, N_("the result was computed with the scheme {id}, or with another state of it"), N_("give that scheme with --scheme, or run 'appraise compute' again")),
    "unit-unknown": Code(ERROR, N_("'{name}' is not a unit of this scheme"), N_("give a unit's name as it stands in the scheme")),
    "write-failed": Code(ERROR, N_("the file cannot be written: {problem}"), N_("check the folder's permissions and the space on the disk")),
}
# fmt: on
