-- name: journal_close
-- Finish a journal row
UPDATE journal SET status = $status, finished_at = current_timestamp, seconds = $seconds,
       counts = $counts, error = $error
WHERE journal_id = $journal_id;

-- name: journal_newest
-- The newest run of every stage, finished or not
SELECT * FROM journal QUALIFY row_number() OVER (PARTITION BY stage ORDER BY started_at DESC) = 1;

-- name: journal_newest_done
-- The newest finished run of every stage
SELECT * FROM journal WHERE status = 'done'
QUALIFY row_number() OVER (PARTITION BY stage ORDER BY finished_at DESC) = 1;
