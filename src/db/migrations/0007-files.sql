-- Files lie sealed in the data folder under our id; here is what is known of each. One data key a file.
create table material (
  id uuid primary key,
  bank_id uuid not null,
  account_id uuid not null,
  operator_code text not null,
  media_type text not null,
  size_bytes bigint not null,
  sealed bytea not null,                     -- the file's key and digests
  created_at timestamptz not null
);
create index material_bank on material (bank_id, id);

create table certificate (
  id uuid primary key,
  case_id uuid not null,
  bank_id uuid not null,
  part integer not null,
  media_type text not null,
  size_bytes bigint not null,
  sealed bytea not null,                     -- number, unit, metadata, the file's key and digests
  created_at timestamptz not null
);
create index certificate_case on certificate (case_id);
