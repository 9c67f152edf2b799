"""Work that outlives a request: a table of jobs, claimed by lease, run in killable children."""
