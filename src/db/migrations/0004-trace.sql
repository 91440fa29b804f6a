-- The transparency log. Records are written with the act they tell of; a sealer numbers them later.
create table trace_record (
  id uuid not null,
  at timestamptz not null,
  type text not null,
  case_id uuid,
  bank_id uuid,
  bytes bytea not null,                      -- canonical JSON; personal values only as commitments
  leaf_hash bytea not null,                  -- SM3(0x00 || bytes)
  secrets bytea,                             -- sealed: salts and values of the commitments
  primary key (id)
) partition by range (id);
create index trace_record_case on trace_record (case_id) where case_id is not null;

create table trace_pending (
  id uuid primary key,
  leaf_hash bytea not null
);

-- Look-up of a person or property by day: no random index on a growing partition.
create table trace_subject (
  day date not null,
  blind bytea not null,
  record_id uuid not null,
  primary key (day, blind, record_id)
);

create table trace_leaf (
  number bigint primary key,
  record_id uuid not null unique,
  leaf_hash bytea not null
);

-- Complete subtrees of the Merkle tree: the node of `level` that covers leaves index * 2^level and on.
create table trace_node (
  level smallint not null,
  index bigint not null,
  hash bytea not null,
  primary key (level, index)
);

create table trace_head (
  only boolean primary key default true check (only),
  size bigint not null
);
insert into trace_head (size) values (0);

create table trace_checkpoint (
  size bigint primary key,
  root bytea not null,
  at timestamptz not null,
  bytes bytea not null,
  keyid text not null,
  signature bytea not null
);

-- Refusals before a signature has verified are counted, one record a minute per source.
create table refusal_count (
  minute timestamptz not null,
  source text not null,
  code text not null,
  count bigint not null,
  primary key (minute, source, code)
);
