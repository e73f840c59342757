// Tests only: one of each code, so that none is forgotten. One that is missing does not compile.
export type Sample<Said extends { code: string }> = { [Code in Said["code"]]: Extract<Said, { code: Code }> };
