-- A user's deletion, export and history would scan every listen otherwise, and a deletion must end before the statement's time limit.
create index listens_user on listens (user_no);
