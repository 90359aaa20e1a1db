// Words are written in groups and looked up flat: { "admin.users": { title } } is "admin.users.title".

/** One flat map of all groups. */
export const flat = (...maps) => Object.fromEntries(maps.flatMap((map) => Object.entries(map)
  .flatMap(([group, words]) => Object.entries(words).map(([key, text]) => [`${group}.${key}`, text]))));
