-- Who holds a callback, and until when: later ones of the same number wait for it.
alter table platform_callback add column leased_until timestamptz;
