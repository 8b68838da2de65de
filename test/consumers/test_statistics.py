"""statistics.json says of the rows what pandas says of them."""

import json
import os
import unittest
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import mixes

try:
    import pandas
except ImportError as missing:
    raise unittest.SkipTest(f"pandas is not here: {missing}")


def rounded(value):
    """A number with the five decimals that the file has."""
    return Decimal(repr(value)).quantize(Decimal("0.00001"), ROUND_HALF_UP)


class Statistics(unittest.TestCase):
    def same(self, values, said, what):
        """What is said of a column of whole numbers is what pandas says."""
        self.assertEqual((said["nan_count"], said["sum"]), (values.isna().sum(), values.sum()), what)
        if values.empty:
            self.assertIsNone(said["mean"], what)
            return
        self.assertEqual((said["min"], said["max"]), (values.min(), values.max()), what)
        for name in ("mean", "median", "std"):
            want = getattr(values, name)()
            if pandas.isna(want):  # the deviation of one value
                self.assertIsNone(said[name], f"{what}: {name}")
            else:
                # pandas computes in floats, so the last decimal may be one off where the exact number is in the middle of two.
                self.assertAlmostEqual(said[name], rounded(float(want)), delta=Decimal("0.00001"), msg=f"{what}: {name}")
        edges = said["histogram"]["bin_edges"]
        bins = pandas.cut(values, [*edges[:-1], edges[-1] + 1], right=False).value_counts(sort=False)
        self.assertEqual(said["histogram"]["hist"], bins.tolist(), f"{what}: histogram")
        powers = values.map(lambda v: int(v).bit_length()).value_counts()
        self.assertEqual(said["histogram_log2"], [powers.get(b, 0) for b in range(powers.index.max() + 1)], f"{what}: powers of two")

    def compare(self, current):
        parts = json.loads((current / "statistics.json").read_text(), parse_float=Decimal)["parts"]
        mixed = {}
        for part in parts:
            what, split = f"{part['dataset']}, {part['split']}", part["split"]
            lines = (current / "processed" / part["dataset"] / f"{split}.jsonl").read_bytes().splitlines()
            rows = pandas.DataFrame(json.loads(line) for line in lines)
            columns = {column["column_name"]: column["column_statistics"] for column in part["statistics"]}
            self.assertEqual(part["num_examples"], len(rows), what)
            self.assertFalse(part["partial"])
            for name in ("question", "reference_answer"):
                self.same(rows[name].str.len(), columns[name], f"{what}: {name}")
                self.assertEqual(columns[name]["empty_count"], (rows[name] == "").sum(), f"{what}: {name}")
            self.same(pandas.Series(map(len, lines)), columns["bytes"], f"{what}: bytes")
            self.assertEqual(columns["answer_type"]["frequencies"], rows["answer_type"].value_counts().to_dict(), what)
            self.assertEqual(columns["answer_type"]["n_unique"], rows["answer_type"].nunique(), what)
            # Rows are the same that say the same, whatever they are called.
            said = rows["metadata"].map(lambda m: json.dumps([(k, v) for k, v in m.items() if k not in ("source", "original_id")]))
            self.assertEqual(part["num_unique"], len(rows.assign(said=said).drop_duplicates(["question", "reference_answer", "answer_type", "said"])), what)
            if split not in mixed:
                mixed[split] = pandas.read_json(current / "mixed" / f"{split}_mixed.jsonl", lines=True, dtype=False)[["id", "dataset"]]
            drawn = mixed[split].query("dataset == @part['dataset']")["id"].value_counts()
            self.assertEqual(part["mixed"]["num_examples"], drawn.sum(), what)
            self.assertEqual(part["mixed"]["max_repeats"], drawn.max(), what)
            self.assertAlmostEqual(part["mixed"]["epochs"], rounded(float(Fraction(int(drawn.sum()), len(rows)))), delta=Decimal("0.00001"), msg=what)
        return parts

    def test_rows_with_everything(self):
        made = mixes.Mixes(common=300)
        self.addCleanup(made.close)
        self.assertEqual(len(self.compare(made.build("lines", mixes.manifest()))), 6)

    def test_the_real_rows(self):
        rows = mixes.real_rows()
        if not rows:
            self.skipTest("the published files of the six data sets are not here: DATASETMIX_REAL_ROWS names no folder")
        made = mixes.Mixes(common=1)
        self.addCleanup(made.close)
        with mixes.hub(rows) as endpoint:
            current = made.build("six", mixes.six("[{name: rl, format: RL}]"), env={**os.environ, "HF_ENDPOINT": endpoint})
        parts = self.compare(current)
        self.assertEqual(len(parts), 12)
        print(f"{sum(part['num_examples'] for part in parts)} rows")


if __name__ == "__main__":
    unittest.main()
