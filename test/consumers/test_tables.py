"""Readers of Parquet and of JSON Lines read what is published."""

import json
import unittest

import mixes

try:
    import duckdb
    import polars
    import pyarrow.parquet
except ImportError as missing:
    raise unittest.SkipTest(f"a reader of tables is not here: {missing}")


class Tables(unittest.TestCase):
    def test_all_read_the_same_rows(self):
        made = mixes.Mixes(common=300)
        self.addCleanup(made.close)
        text = made.build("lines", mixes.manifest(fmt="JSONL")) / "mixed" / "train_mixed.jsonl"
        packed = made.build("packed", mixes.manifest(fmt="Parquet")) / "mixed" / "train_mixed.parquet"
        want = mixes.plain(text)
        for name, rows in (("pyarrow", pyarrow.parquet.read_table(packed).to_pylist()),
                           ("polars", polars.read_parquet(packed).to_dicts()),
                           ("duckdb", duckdb.sql(f"select * from '{packed}'").fetch_arrow_table().to_pylist())):
            with self.subTest(name):
                self.assertEqual([{**row, "metadata": json.loads(row["metadata"])} for row in rows], want)
        with self.subTest("polars, JSON Lines"):
            rows = polars.read_ndjson(text, infer_schema_length=None).select("id", "question", "reference_answer").to_dicts()
            self.assertEqual(rows, [{k: row[k] for k in ("id", "question", "reference_answer")} for row in want])


if __name__ == "__main__":
    unittest.main()
