-- What is seen of the gateway from outside: metrics from counters beside the rows, and the distributed trace
-- (W3C traceparent) of the request that caused a message.
alter table endpoint_depth add column retried bigint not null default 0;   -- how often a message was put back to be sent again

-- The oldest message that may be sent, in one probe: ids are UUIDv7.
create index message_oldest on message (endpoint, id) where state in ('ready', 'waiting');

alter table message add column traceparent text;
alter table message_history add column traceparent text;
