-- Where a bank wants its results pushed. One row a bank; nothing is pushed unless the centre approved the very address.
create table webhook (
  bank_id uuid primary key references bank,
  account_id uuid not null references account,  -- who set it: its algorithm signs the pushes
  url text not null,
  state text not null check (state in ('pending', 'approved', 'suspended')),
  cursor bigint not null default 0,             -- feed number of the last event that was delivered
  set_at timestamptz not null,
  decided_at timestamptz                        -- of the newest approval or suspension of this address
);
