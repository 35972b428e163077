-- Which log a mark speaks of: a topic that is deleted and made again begins at offset 0 under the same name.
-- log_id is the topic's id as Kafka shows it; null where no broker told it yet.
alter table partition_marks add column log_id text, add column log_base bigint not null default 0;
comment on column partition_marks.log_base is
    'What is added to an offset of the present log: above everything that came from the logs before, 0 in the first';
comment on column partition_marks.next_offset is
    'First offset of the partition that is not yet in these tables, plus log_base; it never goes back';
comment on column listens.kafka_offset is 'Offset in its log, plus what partition_marks.log_base was then';
