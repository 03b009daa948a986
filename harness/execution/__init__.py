"""Run the steps of a plan: schedule, attempt, check, publish; no fetching, building or printing."""
