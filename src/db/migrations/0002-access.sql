-- Who may do what. Banks sign an agreement; accounts act through certificates; operators are the persons behind a call.
create table bank (
  id uuid primary key,
  code text not null unique,                 -- 统一社会信用代码, as the certificate's CA rule names it
  name text not null,
  state text not null check (state in ('active', 'suspended', 'closed')),
  agreement_from date not null,
  agreement_to date not null,
  created_at timestamptz not null default now()
);

create table branch (
  id uuid primary key,
  bank_id uuid not null references bank,
  code text not null unique,                 -- the branch's own 统一社会信用代码: it is the mortgagee
  name text not null,
  state text not null check (state in ('active', 'suspended', 'closed')),
  created_at timestamptz not null default now()
);

create table account (
  id uuid primary key,
  bank_id uuid not null references bank,
  name text not null,
  state text not null check (state in ('active', 'suspended', 'closed')),
  answer_algorithm text not null check (answer_algorithm in ('p256', 'sm2')),
  business_types text[] not null,
  areas text[] not null,                     -- six-digit division codes
  valid_from date not null,
  valid_to date not null,
  created_at timestamptz not null default now(),
  unique (bank_id, name)
);

create table account_certificate (
  fingerprint text primary key,              -- lower-case hex SHA-256 of the DER certificate: the keyid of its signatures
  account_id uuid not null references account,
  der bytea not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  state text not null check (state in ('active', 'suspended')),
  created_at timestamptz not null default now()
);

create table operator (
  id uuid primary key,
  bank_id uuid not null references bank,
  code text not null,                        -- what x-operator names
  sealed bytea not null,                     -- name, phone, id document
  state text not null check (state in ('active', 'suspended', 'closed')),
  created_at timestamptz not null default now(),
  unique (bank_id, code)
);
