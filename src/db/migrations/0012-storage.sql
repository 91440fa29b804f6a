-- Which folder's files belong to this database: the mark that lies in it. One row.
create table storage_mark (
  only_one boolean primary key default true check (only_one),
  id       uuid not null
);
