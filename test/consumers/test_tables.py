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

    def test_every_export_is_in_the_order_of_the_mix(self):
        made = mixes.Mixes(common=300)
        self.addCleanup(made.close)
        built = {"all": made.build("all", mixes.manifest(shards=2)), "pairs": made.build("pairs", mixes.pairs(made.folder / "rows"))}
        for name, current in built.items():
            exports = sorted(p.name for p in (current / "exports").iterdir())
            self.assertGreaterEqual(len(exports), 3)
            for file in sorted((current / "mixed").glob("*_mixed*.jsonl")):
                mixed = [(row["id"], row["dataset"], row["domain"]) for row in mixes.plain(file)]
                for export in exports:
                    with self.subTest(name, export=export, file=file.name):
                        parquet = current / "exports" / export / (file.name.partition(".")[0].replace("_mixed", "") + ".parquet")
                        rows = pyarrow.parquet.read_table(parquet, columns=["id", "dataset", "domain"]).to_pylist()
                        self.assertEqual([tuple(row.values()) for row in rows], mixed)


if __name__ == "__main__":
    unittest.main()
