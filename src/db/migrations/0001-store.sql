-- The ground of the store: data keys, the revision of administered data, batches of the shared commit.
create table data_key (
  id uuid primary key,
  month text not null,
  purpose text not null,
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  unique (month, purpose)
);

-- One row. Every change to access, trust, endpoints or mappings raises it; the shared commit's first gate compares it.
create table revision (
  single boolean primary key default true check (single),
  number bigint not null
);
insert into revision (number) values (1);

-- A COMMIT whose connection is lost is looked up here before anyone is answered. Swept after an hour.
create table batch (
  id uuid primary key,
  at timestamptz not null default now()
);
