"""Export of a warehouse: Parquet files, a data package and a SQL script."""
