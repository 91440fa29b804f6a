-- What an account may query, and what each of its operators may: both are needed, and the narrower counts. One row an
-- account (operator_id null) and one for each operator; what there is no row for is refused.
create table query_scope (
  id uuid primary key,
  account_id uuid not null references account,
  operator_id uuid references operator,
  levels text[] not null,                    -- flags, detail
  purposes text[] not null,
  areas text[] not null,                     -- six-digit division codes
  zones text[] not null,                     -- internet, egov
  fields jsonb not null,                     -- name, idNumber, phone, address: show | mask | hide
  authorization_required boolean not null,
  daily_quota integer not null check (daily_quota >= 0),
  valid_from date not null,
  valid_to date not null,
  created_at timestamptz not null default now()
);
create unique index query_scope_of_account on query_scope (account_id) where operator_id is null;
create unique index query_scope_of_operator on query_scope (account_id, operator_id) where operator_id is not null;

-- Queries used on a day in Asia/Shanghai; operator_id is the account's own id for the account as a whole.
create table quota_use (
  account_id uuid not null,
  operator_id uuid not null,
  day date not null,
  used integer not null,
  primary key (account_id, operator_id, day)
);

-- An owner's authorization (查询授权书).
create table query_authorization (
  id uuid primary key,
  bank_id uuid not null,
  account_id uuid not null,
  operator_code text not null,
  state text not null check (state in ('active', 'revoked')),
  purpose text not null,
  level text not null,                       -- the most that may be asked under it
  valid_from date not null,
  valid_to date not null,
  uses_maximum integer,                      -- null: without a limit
  used integer not null default 0,
  case_id uuid,                              -- the application that followed
  sealed bytea not null,                     -- authorizer, property or person, evidence
  created_at timestamptz not null,
  revoked_at timestamptz
);
create index query_authorization_bank on query_authorization (bank_id, id);

-- A query and, once the registry has answered, what it said; both sealed. `asking` rows whose lease ran out are asked
-- again: reading harms nothing.
create table query (
  id uuid primary key,
  bank_id uuid not null,
  account_id uuid not null,
  operator_id uuid not null,
  operator_code text not null,
  request_id uuid not null unique,           -- of the call that has the idempotency key
  authorization_id uuid,
  state text not null check (state in ('asking', 'answered', 'failed')),
  replied boolean not null default false,    -- the call was answered 202: what comes later comes as an event
  attempts integer not null default 0,
  due_at timestamptz not null,               -- while asking: when another may ask
  quota_day date not null,
  why text,                                  -- while asking: what the newest attempt brought
  code text,                                 -- match, no-match, or why it failed
  asked bytea not null,
  answer bytea,
  created_at timestamptz not null,
  answered_at timestamptz
);
create index query_due on query (due_at) where state = 'asking';
create index query_bank on query (bank_id, id);
