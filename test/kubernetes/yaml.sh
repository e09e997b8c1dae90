part_yaml() { :; }
