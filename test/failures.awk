# Of a log, for a record that is cut to its end: what a red `npm test` says last, and of TAP each failed assertion with the
# first 30 lines of what it says.
/^ *not ok / { print; inside = 1; left = 30; next }
inside && /^ *---$/ { next }
inside && /^ *\.\.\.$/ { inside = 0; next }
/^ *(ok|# Subtest|[0-9]+\.\.[0-9]+)/ { inside = 0 }
/^== .* failed/ { print; inside = 1; left = 60; next }
/^skipped: / { print }
/^$/ { inside = 0 }
inside && left-- > 0 { print }
