// SPDX-License-Identifier: GPL-3.0-or-later
// What `kafka-reassign-partitions --generate` would answer, without a cluster: its own calculation on replicas and
// brokers from standard input. First line: brokers as id:rack. Then one line for each partition: topic number replicas.
// Out: one line "seconds S", then the partitions in the same form.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.metadata.placement.UsableBroker;
import org.apache.kafka.tools.reassign.ReassignPartitionsCommand;

public class Generate {
    @SuppressWarnings("unchecked")
    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        List<UsableBroker> brokers = new ArrayList<>();
        for (String broker : in.readLine().split(" ")) {
            String[] fields = broker.split(":", 2);
            Optional<String> rack = fields[1].isEmpty() ? Optional.empty() : Optional.of(fields[1]);
            brokers.add(new UsableBroker(Integer.parseInt(fields[0]), rack, false));
        }
        Map<TopicPartition, List<Integer>> current = new HashMap<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split(" ");
            List<Integer> replicas = new ArrayList<>();
            for (String replica : fields[2].split(",")) {
                replicas.add(Integer.parseInt(replica));
            }
            current.put(new TopicPartition(fields[0], Integer.parseInt(fields[1])), replicas);
        }
        // It is private: --generate asks a cluster for these two, and then calls it.
        Method calculate = ReassignPartitionsCommand.class.getDeclaredMethod("calculateAssignment", Map.class, List.class);
        calculate.setAccessible(true);
        long begun = System.nanoTime();
        Map<TopicPartition, List<Integer>> found = (Map<TopicPartition, List<Integer>>) calculate.invoke(null, current, brokers);
        StringBuilder out = new StringBuilder("seconds " + (System.nanoTime() - begun) / 1e9 + "\n");
        found.forEach((partition, replicas) -> {
            out.append(partition.topic()).append(' ').append(partition.partition()).append(' ');
            for (int i = 0; i < replicas.size(); i++) {
                out.append(i == 0 ? "" : ",").append(replicas.get(i));
            }
            out.append('\n');
        });
        System.out.print(out);
    }
}
