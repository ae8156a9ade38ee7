"""Rules without I/O: activity to rows, identity matching, exclusions; and the dbt project."""
