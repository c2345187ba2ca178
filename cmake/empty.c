/* empty.c - stands in for a room that holds only headers so far. */
typedef int att_empty;
