-- A case (办件). What names persons or property lies in sealed columns; the clear ones are for order, search and clocks.
create table cases (
  id uuid primary key,
  bank_id uuid not null,
  account_id uuid not null,
  operator_code text not null,
  business_type text not null,
  bank_reference text not null,
  area text not null,
  business_number text not null unique,
  platform_number text,
  registry_number text,
  state text not null,
  facets jsonb not null,                     -- per part: state, clock, fee, certificate, paper; and the request facet
  memory bytea not null,                     -- sealed: the whole CaseState with facts known, entries, certificates
  document_version integer not null default 1,
  next_position integer not null default 1,  -- order of the case's messages
  completed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index cases_platform_number on cases (platform_number) where platform_number is not null;
create index cases_registry_number on cases (registry_number) where registry_number is not null;
create index cases_bank on cases (bank_id, id);

-- Each version of the normalised application; a message names the version that it renders.
create table case_document (
  case_id uuid not null,
  version integer not null,
  sealed bytea not null,
  primary key (case_id, version)
);

create table event (
  id uuid not null,
  case_id uuid not null,
  bank_id uuid not null,
  feed_number bigint not null,
  type text not null,
  part integer not null,
  at timestamptz not null,
  sealed bytea not null,
  primary key (id)
) partition by range (id);
create index event_case on event (case_id, id);
create index event_feed on event (bank_id, feed_number);

-- Incremented last in a transaction, banks in sorted order, so that no reader of a feed skips a late commit.
create table feed_counter (
  bank_id uuid primary key,
  last bigint not null
);

-- What needs a person: contradictions, mismatches, parked messages.
create table concern (
  id uuid primary key,
  case_id uuid,
  message_id uuid,
  kind text not null,
  at timestamptz not null,
  sealed bytea not null,
  closed_at timestamptz
);
create index concern_open on concern (at) where closed_at is null;
