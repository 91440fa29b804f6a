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

-- Emptied once a second and always short: vacuumed by number of rows, without a pause.
create table trace_pending (
  id uuid primary key,
  leaf_hash bytea not null check (octet_length(leaf_hash) = 32)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

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

-- Complete subtrees of the Merkle tree: the node of `level` covers the 2^level leaves from index * 2^level on. Only
-- levels 8, 16, 24 … are kept, one row for 256 below it; what lies between is folded from those when it is asked for.
create table trace_node (
  level smallint not null,
  index bigint not null,
  hash bytea not null,
  primary key (level, index)
);

create table trace_head (
  single boolean primary key default true check (single),
  size bigint not null
);
insert into trace_head (size) values (0);

create table trace_checkpoint (
  size bigint primary key,
  root bytea not null,
  at timestamptz not null,
  bytes bytea not null,
  keyid text not null,
  signature bytea not null,
  written_at timestamptz not null default now()  -- the database's clock, for the pace over all nodes
);

-- Locked by the node that makes a checkpoint, while it writes file and row.
create table trace_checkpoint_turn (
  single boolean primary key default true check (single)
);
insert into trace_checkpoint_turn default values;

-- Refusals before a signature has verified are counted, one record a minute per source.
create table refusal_count (
  minute timestamptz not null,
  source text not null,
  code text not null,
  count bigint not null,
  primary key (minute, source, code)
);
