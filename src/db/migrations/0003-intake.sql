-- A request takes effect once. These keys are unique over all time or a window, so their tables are not partitioned by time.
-- Nonces live in five rotating slots of five minutes each; a slot is truncated two periods before its next use.
create table nonce (
  slot smallint not null,
  key bytea not null,                        -- 16 bytes of SHA-256 over keyid and nonce
  request_id uuid not null,
  primary key (slot, key)
) partition by list (slot);
create table nonce_0 partition of nonce for values in (0);
create table nonce_1 partition of nonce for values in (1);
create table nonce_2 partition of nonce for values in (2);
create table nonce_3 partition of nonce for values in (3);
create table nonce_4 partition of nonce for values in (4);
create table nonce_slot (slot smallint primary key, period bigint not null);
insert into nonce_slot select g, 0 from generate_series(0, 4) g;

create table idempotency_key (
  account_id uuid not null,
  route text not null,
  key text not null,
  request_digest bytea not null,
  request_id uuid not null,
  primary key (account_id, route, key)
);
create index idempotency_key_request on idempotency_key (request_id);

-- Written in the transaction that claims the key, or, for a query, in its second commit: a key without answer is at work.
create table idempotency_answer (
  request_id uuid primary key,
  status smallint not null,
  headers jsonb not null,
  body bytea not null,                       -- sealed
  receipt text
);

create table bank_reference (
  bank_id uuid not null,
  reference text not null,
  case_id uuid not null,
  primary key (bank_id, reference)
);

-- Business numbers and message numbers: taken in blocks per process, gaps allowed, never wrapped.
create table number_counter (
  area text not null,
  day date not null,
  range text not null,
  next integer not null,
  primary key (area, day, range)
);
