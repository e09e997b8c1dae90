# Of a log of TAP: each failed assertion and the first 30 lines of what it says, for a record that is cut to its end.
/^ *not ok / { print; inside = 1; left = 30; next }
inside && /^ *---$/ { next }
inside && /^ *\.\.\.$/ { inside = 0; next }
/^ *(ok|# Subtest|[0-9]+\.\.[0-9]+)/ { inside = 0 }
/^== .* failed$/ { print }
inside && left-- > 0 { print }
