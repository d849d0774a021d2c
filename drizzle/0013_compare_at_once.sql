-- Keys are compared by their columns and by their text, which the planner takes for two independent conditions: it expects
-- one row of a join that has all, and a nested loop over both tables took minutes for 100,000 rows.
ALTER FUNCTION reembed.compare_everything(reembed.chunkings) SET enable_nestloop = off;
