-- What a platform said to us, each message once: stored before it is acknowledged, applied when its case is known.
create table platform_callback (
  platform text not null,
  unid text not null,                        -- the platform's id of the message: what makes a repetition one
  digest bytea not null,                     -- SHA-256 of the body
  type text not null,
  state text not null check (state in ('waiting', 'applied', 'raised')),
  platform_number text,                      -- the case that it is about, by the platform's number
  subject uuid,                              -- the same by our own id, where it acknowledges the case itself
  body bytea not null,                       -- sealed: the callback as it was read
  answer bytea not null,                     -- sealed: our acknowledgement, repeated byte for byte
  receipt text not null,
  received_at timestamptz not null,
  due_at timestamptz not null,               -- when it is next looked at
  tries integer not null default 0,
  primary key (platform, unid)
);
create index platform_callback_due on platform_callback (due_at) where state = 'waiting';
create index platform_callback_number on platform_callback (platform_number) where state = 'waiting';
