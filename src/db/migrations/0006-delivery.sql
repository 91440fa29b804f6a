-- Messages out. Live rows are few and unpartitioned, so that claiming is one index range; finished ones move to history.
create table message (
  id uuid primary key,
  endpoint text not null,
  case_id uuid not null,
  channel text not null,                     -- a stream is case + channel; `position` orders it
  position integer not null,
  kind text not null,
  state text not null check (state in ('queued', 'ready', 'waiting', 'sending', 'dead')),
  after_fact text,                           -- held until this fact of its case
  depends_on uuid,                           -- held until this other case lets it go
  due_at timestamptz not null,
  since timestamptz not null,
  why text,
  fence integer not null default 0,
  lease_until timestamptz,
  lease_owner text,
  attempts integer not null default 0,
  inquiry text,                              -- the question to ask before anything is sent again
  inquiries integer not null default 0,      -- how often that question found nothing
  unclear integer not null default 0,        -- how often running that question brought no answer
  cursor integer not null default 0,         -- files of a materials message that have arrived
  number text not null,                      -- BizMsgID, or unid at the platform; a retry repeats it
  document_version integer not null,
  source bytea,                              -- sealed: what a relay tells
  rendered bytea,                            -- sealed: the bytes of the first attempt; every retry sends these
  mapping text,                              -- name and version that rendered them
  supersedes uuid,
  unique (case_id, channel, position)
);
create index message_due on message (endpoint, due_at, id) where state in ('ready', 'waiting');
create index message_sending on message (endpoint, lease_until) where state = 'sending';
create index message_dead on message (endpoint, id) where state = 'dead';

create table message_history (
  id uuid not null,
  endpoint text not null,
  case_id uuid not null,
  channel text not null,
  position integer not null,
  kind text not null,
  state text not null check (state in ('delivered', 'superseded')),
  since timestamptz not null,
  why text,
  attempts integer not null,
  number text not null,
  document_version integer not null,
  source bytea,
  rendered bytea,
  mapping text,
  receipt text,
  supersedes uuid,
  primary key (id)
) partition by range (id);
create index message_history_case on message_history (case_id);

create table attempt (
  id uuid not null,
  message_id uuid not null,
  case_id uuid not null,
  endpoint text not null,
  kind text not null,
  fence integer not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null,
  reason text,
  request_digest bytea,
  response bytea,                            -- sealed
  primary key (id)
) partition by range (id);
create index attempt_message on attempt (message_id, id);

create table endpoint (
  name text primary key,
  concurrency integer not null,
  paused boolean not null default false,
  closed_until timestamptz,
  why text
);

-- Depth, kept in the transaction of the rows; a row is touched last in a transaction, endpoints in sorted order.
create table endpoint_depth (
  endpoint text primary key,
  live bigint not null default 0,
  dead bigint not null default 0,
  taken bigint not null default 0,           -- messages ever written
  delivered bigint not null default 0
);

-- Polling is no stream: one row a case, due when the registry is to be asked again.
create table poll (
  case_id uuid primary key,
  endpoint text not null,
  due_at timestamptz not null,
  step integer not null default 0,           -- of the backing off
  fence integer not null default 0,
  lease_until timestamptz
);
create index poll_due on poll (endpoint, due_at);
