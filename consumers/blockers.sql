-- End the sessions of workers that hold what we wait for and have not been heard of for a while: their clients were
-- stopped in the middle of a transaction, and the partitions are ours now.
SELECT blocker.pid, pg_terminate_backend(blocker.pid)
FROM pg_stat_activity blocker
WHERE blocker.pid IN (SELECT unnest(pg_blocking_pids(waiting)) FROM unnest(%(waiting)s::int[]) AS waiting)
    AND blocker.pid <> ALL (%(waiting)s::int[])
    AND blocker.application_name LIKE 'understudy worker%%'
    AND blocker.wait_event_type = 'Client'
    AND blocker.state_change < now() - make_interval(secs => %(silent_s)s)
