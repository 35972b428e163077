-- What was heard lately, for charts. A row is written after it occurred, so a block that was full before a window began holds nothing of
-- it: a few bytes for each stretch of blocks say which to read. autosummarize keeps the newest ones known too.
create index listens_time on listens using brin (occurred_at) with (pages_per_range = 16, autosummarize = on);
